// SPDX-License-Identifier: BSD-2-Clause
// Compares the engine with a plain map of what should be mapped where. Each step is one random operation. All
// choices come from `Choose`, a callable that returns a number below its argument: the tests pass a random
// generator, the fuzzer passes its bytes.
#pragma once

#include "support/simulated_tables.hpp"

#include <map>
#include <utility>

namespace percival::testing {

template <class G, class Choose>
class PageTableModelRun {
public:
    PageTableModelRun(Choose choose, Tables tables)
        : bench_{tables, 96}, choose_{std::move(choose)}, tables_{tables}
    {
        bench_.machine.set_resizes_live(choose_(4) == 0);
        bench_.machine.set_range_tlbi(choose_(2) == 0);
        bench_.machine.set_completes_tlbi_early(choose_(2) == 0);
        mm::wide_blocks = G::kVaBits == 52 && choose_(2) == 0;
        empty_ = bench_.machine.pages_in_use();
    }
    ~PageTableModelRun() { mm::wide_blocks = false; }
    PageTableModelRun(const PageTableModelRun&) = delete;
    PageTableModelRun& operator=(const PageTableModelRun&) = delete;

    // Does one operation. Returns what went wrong, or an empty string.
    std::string step()
    {
        // Tables run out in the middle of one operation in four.
        if (choose_(4) == 0)
            bench_.env.fail_after(choose_(4));
        else
            bench_.env.never_fail();
        const VirtRange range = some_range();
        switch (choose_(6)) {
        case 0:
        case 1:
            map(range);
            break;
        case 2:
            unmap(range);
            break;
        case 3:
            protect(range);
            break;
        case 4:
            map_pages({range.base, std::min(range.size, unit(1) * 3)});
            break;
        case 5:
            clear(range);
            break;
        }
        const auto next = static_cast<u32>(choose_(2));
        check(range);
        bench_.machine.execute_on(next);
        return problem();
    }

    // Unmaps everything, and checks that nothing is left. Returns what went wrong, or an empty string.
    std::string finish()
    {
        bench_.env.never_fail();
        while (!model_.empty()) {
            const auto [base, piece] = *model_.begin();
            unmap({VirtAddr{base}, piece.size});
        }
        if (tables_ == Tables::Private && bench_.machine.pages_in_use() != empty_)
            complaint_ = "tables are left when nothing is mapped";
        return problem();
    }

private:
    struct Piece {
        Bytes size;
        PhysAddr to;
        Attributes attributes;
    };

    static constexpr VirtAddr kBase = kRegion<G>;
    static constexpr PhysAddr kLowMemory{0x4000'0000'0000}; // within the first kLinearOutput
    static constexpr Attributes kKinds[] = {mm::kData, mm::kReadOnlyData, mm::kText, mm::kDeviceRegisters};

    // The sizes of leaves: pages, runs of pages, blocks, runs of blocks, and the largest blocks.
    static u64 units() { return mm::wide_blocks ? 5 : 4; }
    static constexpr Bytes unit(u64 which)
    {
        if (which == 4)
            return G::entry_size(G::kWideBlockLevel);
        constexpr Level kBlockLevel{2};
        constexpr Bytes kPage = G::kPageSize;
        return which == 0   ? kPage
               : which == 1 ? kPage * G::contiguous_entries(mm::kLastLevel)
               : which == 2 ? G::entry_size(kBlockLevel)
                            : G::entry_size(kBlockLevel) * G::contiguous_entries(kBlockLevel);
    }

    // Returns a range, mostly a short one, that often ends just beside an alignment boundary of leaves.
    VirtRange some_range()
    {
        const Bytes step = unit(choose_(units()));
        const Bytes at =
            unit(3) * choose_(2) + unit(2) * choose_(3) + unit(1) * choose_(3) + unit(0) * choose_(3);
        return {kBase + at, step * (1 + choose_(3)) + (choose_(4) == 0 ? unit(0) * choose_(3) : Bytes{0})};
    }

    PhysAddr some_memory(VirtRange range)
    {
        // Aligned as the range is, or hardly at all. Sometimes across address bits that have another position
        // in descriptors.
        const Bytes offset = choose_(4) == 0 ? unit(choose_(3)) : range.base - kBase;
        return choose_(8) == 0 ? PhysAddr{0x2'0000'0000'0000} - unit(0) * choose_(3) : kMemory + offset;
    }

    bool holds_all_of(VirtRange range) const
    {
        VirtAddr at = range.base;
        while (range.contains(at)) {
            const auto piece = piece_at(at);
            if (piece == model_.end())
                return false;
            at = VirtAddr{piece->first} + piece->second.size;
        }
        return true;
    }
    bool holds_some_of(VirtRange range) const
    {
        for (const auto& [base, piece] : model_) {
            if (range.overlaps({VirtAddr{base}, piece.size}))
                return true;
        }
        return false;
    }
    auto piece_at(VirtAddr address) const
    {
        auto after = model_.upper_bound(address.raw());
        if (after == model_.begin())
            return model_.end();
        --after;
        return VirtRange{VirtAddr{after->first}, after->second.size}.contains(address) ? after : model_.end();
    }

    // Makes `at` a boundary between pieces.
    void cut(VirtAddr at)
    {
        const auto found = piece_at(at);
        if (found == model_.end() || found->first == at.raw())
            return;
        const Bytes below = at - VirtAddr{found->first};
        const Piece piece = found->second;
        model_[found->first].size = below;
        model_[at.raw()] = {piece.size - below, piece.to + below, piece.attributes};
    }
    template <class Change>
    void change_pieces(VirtRange range, Change change)
    {
        cut(range.base);
        cut(range.end());
        for (auto piece = model_.lower_bound(range.base.raw());
             piece != model_.end() && piece->first < range.end().raw();)
            piece = change(piece);
    }

    template <class Result>
    void expect(const Result& result, std::optional<MapError> error, const char* what)
    {
        // Tables may run out at any time, but then nothing has changed.
        if (!result && result.error() == MapError::NoMemory)
            return;
        const bool right = error ? !result && result.error() == *error : result.has_value();
        if (!right)
            complaint_ = std::string{what} + " had another result than the model says";
    }

    void map(VirtRange range)
    {
        const PhysAddr to = some_memory(range);
        const Attributes attributes = kKinds[choose_(4)];
        const Leaves leaves = choose_(4) == 0 && range.size <= unit(2) ? Leaves::Pages : Leaves::Largest;
        const bool taken = holds_some_of(range);
        const auto result = bench_.engine.map(range, to, attributes, leaves);
        expect(result, taken ? std::optional{MapError::AlreadyMapped} : std::nullopt, "map");
        if (result)
            model_[range.base.raw()] = {range.size, to, attributes};
    }

    // Maps pages that are mostly neighbours, so that there are runs among them.
    void map_pages(VirtRange range)
    {
        const Attributes attributes = kKinds[choose_(4)];
        const PhysAddr start = kLowMemory + (choose_(4) == 0 ? unit(choose_(3)) : range.base - kBase);
        std::map<u64, Piece> pieces;
        std::vector<PhysAddr> pages;
        for (u64 run = 0; run * unit(1).count() < range.size.count(); ++run) {
            const Bytes at = unit(1) * run;
            const Bytes size = std::min(unit(1), range.size - at);
            const PhysAddr to = start + unit(1) * choose_(8) + unit(0) * (choose_(3) == 0 ? choose_(3) : 0);
            pieces[(range.base + at).raw()] = {size, to, attributes};
            for (Bytes page{0}; page < size; page = page + unit(0))
                pages.push_back(to + page);
        }
        const bool taken = holds_some_of(range);
        const auto result = bench_.engine.map_pages(range.base, pages, attributes);
        expect(result, taken ? std::optional{MapError::AlreadyMapped} : std::nullopt, "map_pages");
        if (result)
            model_.insert(pieces.begin(), pieces.end());
    }

    // Calls clear() where it may be used. The caller of clear() must flush.
    void clear(VirtRange range)
    {
        if (tables_ != Tables::Shared || !bench_.engine.is_mapped_by_whole_leaves(range))
            return;
        if (!holds_all_of(range))
            complaint_ = "is_mapped_by_whole_leaves() accepts a range that is not mapped";
        bench_.engine.clear(range);
        typename Bench<G>::Batch{bench_.env}.add_leaves(range, unit(0));
        forget(range);
    }

    void unmap(VirtRange range)
    {
        const bool whole = holds_all_of(range);
        const auto result = bench_.unmap(range);
        expect(result, whole ? std::nullopt : std::optional{MapError::NotMapped}, "unmap");
        if (!result)
            return;
        forget(range);
    }

    // Removes a range from the model, and reuses its memory.
    void forget(VirtRange range)
    {
        change_pieces(range, [&](auto piece) {
            bench_.machine.reuse_memory({piece->second.to, piece->second.size});
            return model_.erase(piece);
        });
    }

    void protect(VirtRange range)
    {
        const bool whole = holds_all_of(range);
        const Attributes attributes = kKinds[choose_(4)];
        const auto result = bench_.protect(range, attributes);
        expect(result, whole ? std::nullopt : std::optional{MapError::NotMapped}, "protect");
        if (!result)
            return;
        change_pieces(range, [&](auto piece) {
            piece->second.attributes = attributes;
            return ++piece;
        });
    }

    void check_at(VirtAddr address)
    {
        const auto piece = piece_at(address);
        for (u32 cpu = 0; cpu < 2; ++cpu) {
            if (cpu != bench_.machine.executing())
                bench_.machine.synchronize(cpu);
            const Outcome got = bench_.machine.access(cpu, address);
            const Outcome wanted = piece == model_.end()
                                       ? Outcome{}
                                       : Outcome{piece->second.to + (address - VirtAddr{piece->first}),
                                                 piece->second.attributes};
            if (got != wanted)
                complaint_ = "the machine translates differently from the model";
        }
    }

    void check(VirtRange range)
    {
        bench_.machine.expect_settled();
        for (const VirtAddr at : {range.base - Bytes{8}, range.base, range.end() - Bytes{8}, range.end()})
            check_at(at);
        for (u64 n = 0; n < 4; ++n)
            check_at(some_range().base);
    }

    std::string problem()
    {
        const auto violations = bench_.machine.take_violations();
        return !violations.empty() ? violations[0] : complaint_;
    }

    Bench<G> bench_;
    Choose choose_;
    Tables tables_;
    u64 empty_{0};
    std::map<u64, Piece> model_;
    std::string complaint_;
};

} // namespace percival::testing
