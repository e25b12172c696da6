// SPDX-License-Identifier: BSD-2-Clause
// Tables set aside for splits, which fill them whole, and an environment of the page-table engine that takes
// tables from there and returns them there. A change under a lock then never enters the page allocator.
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "mm/page_table/environment.hpp"
#include "mm/set_memory/memory_change.hpp"

#include <algorithm>
#include <expected>
#include <optional>

namespace percival::mm {

// The most tables that one change can need: each end of its range may lie in a block of every level.
template <class G>
inline constexpr u64 kMaxSplits = 2 * (G::kLevels - 1);

// Belongs to one user at a time. The destructor frees the tables that are left.
template <class G, class Env>
class TableStock : Immovable {
public:
    explicit TableStock(Env& env) : env_{env} {}
    ~TableStock()
    {
        while (const auto page = take())
            env_.free(*page);
    }

    // Allocates until the stock has `tables`, at most kMaxSplits. Returns false if there is no memory; the
    // stock keeps what it has. Any context in which the allocation of `Env` works.
    [[nodiscard]] bool fill(u64 tables = kMaxSplits<G>)
    {
        while (pages_.size() < std::min(tables, kMaxSplits<G>)) {
            const auto page = allocate_unfilled(env_);
            if (!page || !pages_.push(*page))
                return false;
        }
        return true;
    }
    std::optional<PhysAddr> take()
    {
        if (pages_.empty())
            return std::nullopt;
        const PhysAddr page = pages_[pages_.size() - 1];
        pages_.truncate(pages_.size() - 1);
        return page;
    }
    // Takes a table that no walker can reach.
    void give(PhysAddr page)
    {
        if (!pages_.push(page))
            env_.free(page);
    }
    u64 size() const { return pages_.size(); }
    Env& environment() { return env_; }

private:
    Env& env_;
    BoundedVector<PhysAddr, kMaxSplits<G>> pages_{};
};

// Calls `attempt()`, a change with tables from `stock`, until it needs no more of them. Each time that it
// returns NoMemory, one table more is fetched. Returns what the last attempt returned, which is NoMemory if
// there is no memory either.
template <class G, class Env, class Attempt>
std::expected<void, SetMemoryError> with_tables(TableStock<G, Env>& stock, Attempt attempt)
{
    for (;;) {
        const std::expected<void, SetMemoryError> result = attempt();
        if (result || result.error() != SetMemoryError::NoMemory || !stock.fill(stock.size() + 1))
            return result;
    }
}

namespace table_stock_detail {

// Has the Env::Break of an environment, if there is one.
template <class Env>
struct BreakOf {};
template <class Env>
    requires requires { typename Env::Break; }
struct BreakOf<Env> {
    using Break = Env::Break;
};

} // namespace table_stock_detail

// `Env`, but for the tables, which come from a stock and return to it.
template <class G, PteFormat Pte, class Env>
class StockedTables : public table_stock_detail::BreakOf<Env> {
public:
    explicit StockedTables(TableStock<G, Env>& stock) : stock_{stock} {}

    Pte* table(PhysAddr address) { return env().table(address); }
    std::optional<PhysAddr> allocate_unfilled() { return stock_.take(); }
    void free(PhysAddr page) { stock_.give(page); }
    u64 tables_left() const { return stock_.size(); }
    void store(Pte* slot, Pte value) { env().store(slot, value); }
    void fill(Pte* first, u64 count, Pte value, Bytes step) { env().fill(first, count, value, step); }
    void publish() { env().publish(); }
    void forbidden(Pte old, Pte now, Level level) { env().forbidden(old, now, level); }
    bool resizes_live() const { return stock_.environment().resizes_live(); }

private:
    Env& env() { return stock_.environment(); }

    TableStock<G, Env>& stock_;
};

} // namespace percival::mm
