// SPDX-License-Identifier: BSD-2-Clause
// Compares set_memory() and merges with a plain list of what should hold for each page. Each step is one
// random change. All choices come from `Choose`, a callable that returns a number below its argument: the
// test passes a random generator, the fuzzer passes its bytes.
#pragma once

#include "mm/set_memory/memory_editor.hpp"
#include "mm/set_memory/memory_merger.hpp"
#include "mm/set_memory/table_stock.hpp"
#include "support/simulated_tables.hpp"

#include <utility>
#include <vector>

namespace percival::testing {

template <class G, class Choose>
class SetMemoryModelRun {
public:
    explicit SetMemoryModelRun(Choose choose)
        : bench_{Tables::Shared, 96}, choose_{std::move(choose)}, pages_(kPages)
    {
        bench_.machine.set_resizes_live(choose_(4) != 0);
        bench_.machine.set_range_tlbi(choose_(2) == 0);
        breaks_ = choose_(2) == 0 ? mm::Breaks::Allowed : mm::Breaks::Never;
        const Leaves leaves = choose_(4) == 0 ? Leaves::Pages : Leaves::Largest;
        if (!bench_.engine.map({kBase, kPage * kPages}, kMemory, mm::kData, leaves))
            complaint_ = "the memory was not mapped";
    }

    // Does one change or one merge. Returns what went wrong, or an empty string.
    std::string step()
    {
        const VirtRange range = some_range();
        if (choose_(6) == 0 && bench_.machine.resizes_live())
            merge(range.base);
        else
            change(range, static_cast<mm::MemoryChange>(choose_(6)), choose_(4));
        bench_.machine.expect_settled();
        for (const VirtAddr at : {range.base, range.end() - kPage, some_range().base, some_range().base})
            check_at(at);
        if (range.base != kBase)
            check_at(range.base - kPage);
        if (range.end() != kBase + kPage * kPages)
            check_at(range.end());
        bench_.machine.execute_on(static_cast<u32>(choose_(2)));
        const auto violations = bench_.machine.take_violations();
        return !violations.empty() ? violations[0] : complaint_;
    }

private:
    struct Page {
        mm::Protection protection{mm::Protection::ReadWrite};
        bool is_valid{true};
    };
    using Stock = mm::TableStock<G, SimulatedTables<G>>;
    using Env = mm::StockedTables<G, SimulatedPte, SimulatedTables<G>>;

    static constexpr Bytes kPage = G::kPageSize;
    static constexpr u64 kRun = G::contiguous_entries(mm::kLastLevel);
    static constexpr u64 kBlock = G::entries(mm::kLastLevel); // in pages
    static constexpr u64 kPages = kBlock * 2 + kRun + 3;
    static constexpr VirtAddr kBase = kRegion<G>;

    // Returns a range, mostly a short one, that often ends beside an alignment boundary of leaves.
    VirtRange some_range()
    {
        const u64 at = std::min(kBlock * choose_(3) + kRun * choose_(3) + choose_(3), kPages - 1);
        const u64 units[] = {1, kRun, kBlock};
        const u64 count = units[choose_(3)] * (1 + choose_(2)) + choose_(2);
        return {kBase + kPage * at, kPage * std::min(count, kPages - at)};
    }
    u64 index_of(VirtAddr at) const { return (at - kBase).count() / kPage.count(); }

    bool is_allowed(VirtRange range, mm::MemoryChange change) const
    {
        for (u64 n = index_of(range.base); n < index_of(range.end()); ++n) {
            if (!mm::changed_protection(pages_[n].protection, change))
                return false;
        }
        return true;
    }

    void change(VirtRange range, mm::MemoryChange change, u64 tables)
    {
        Stock stock{bench_.env};
        if (!stock.fill(tables))
            complaint_ = "the machine has no pages left";
        Env env{stock};
        mm::MemoryEditor<G, SimulatedPte, Env> editor{bench_.root, env, breaks_};
        const auto result = editor.change(range, change);
        const bool may_split = breaks_ == mm::Breaks::Allowed || bench_.machine.resizes_live();
        if (!result) {
            // Tables may run out at any time, and blocks may be in the way, but then nothing has changed.
            const mm::SetMemoryError error = result.error();
            if (error == mm::SetMemoryError::WriteAndExecute ? is_allowed(range, change)
                : error == mm::SetMemoryError::NoMemory      ? tables >= 2
                : error == mm::SetMemoryError::NotSplittable ? may_split
                                                             : true)
                complaint_ = "a change was refused without a reason";
            return;
        }
        if (!is_allowed(range, change))
            complaint_ = "a page became writable and executable";
        for (u64 n = index_of(range.base); n < index_of(range.end()); ++n) {
            pages_[n].protection =
                mm::changed_protection(pages_[n].protection, change).value_or(pages_[n].protection);
            if (change == mm::MemoryChange::Valid || change == mm::MemoryChange::Invalid)
                pages_[n].is_valid = change == mm::MemoryChange::Valid;
        }
    }

    void merge(VirtAddr at)
    {
        Stock stock{bench_.env};
        Env env{stock};
        mm::MemoryMerger<G, SimulatedPte, Env>{bench_.root, env}.merge(at);
    }

    void check_at(VirtAddr at)
    {
        const Page& page = pages_[index_of(at)];
        const Outcome wanted = page.is_valid ? Outcome{kMemory + (at - kBase), {page.protection}} : Outcome{};
        for (u32 cpu = 0; cpu < 2; ++cpu) {
            if (cpu != bench_.machine.executing())
                bench_.machine.synchronize(cpu);
            if (bench_.machine.access(cpu, at) != wanted)
                complaint_ = "the machine translates differently from the model";
        }
    }

    Bench<G> bench_;
    Choose choose_;
    mm::Breaks breaks_{};
    std::vector<Page> pages_;
    std::string complaint_;
};

} // namespace percival::testing
