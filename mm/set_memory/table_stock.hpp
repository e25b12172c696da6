// SPDX-License-Identifier: BSD-2-Clause
// Tables set aside for splits, which fill them whole, and an environment of the page-table engine that takes
// tables from there and returns them there. So a change has all its tables before it stores anything.
#pragma once

#include "kernel/lib/bounded_vector.hpp"
#include "mm/page_table/environment.hpp"

#include <algorithm>
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

// Whether a change may allocate the tables that its stock lacks. If this is Forbidden, the change never
// enters the allocator.
enum class Refills : u8 { Forbidden, Allowed };

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
    explicit StockedTables(TableStock<G, Env>& stock, Refills refills = Refills::Forbidden)
        : stock_{stock}, refills_{refills}
    {
    }

    Pte* table(PhysAddr address) { return env().table(address); }
    std::optional<PhysAddr> allocate_unfilled()
    {
        const auto page = stock_.take();
        taken_ += page ? 1 : 0;
        return page;
    }
    void free(PhysAddr page) { stock_.give(page); }
    // Returns whether the next `tables` allocations, at most kMaxSplits, will succeed.
    [[nodiscard]] bool set_aside(u64 tables)
    {
        return stock_.size() >= tables || (refills_ == Refills::Allowed && stock_.fill(tables));
    }
    // Returns how many tables were allocated from this environment.
    u64 taken() const { return taken_; }
    void store(Pte* slot, Pte value) { env().store(slot, value); }
    void fill(Pte* first, u64 count, Pte value, Bytes step) { env().fill(first, count, value, step); }
    void publish() { env().publish(); }
    void forbidden(Pte old, Pte now, Level level) { env().forbidden(old, now, level); }
    bool resizes_live() const { return stock_.environment().resizes_live(); }

private:
    Env& env() { return stock_.environment(); }

    TableStock<G, Env>& stock_;
    Refills refills_;
    u64 taken_{0};
};

} // namespace percival::mm
