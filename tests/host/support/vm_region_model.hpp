// SPDX-License-Identifier: BSD-2-Clause
// Compares a region with a model of it, a plain list of areas. Each step is one operation that is drawn from
// `Choose`, a callable that returns a number below its argument: a random generator in the tests, and the
// fuzzer's bytes in the fuzzer.
#pragma once

#include "mm/vmalloc/vm_region.hpp"
#include "support/address_tree_checks.hpp"
#include "support/vm_area_notes.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace percival::testing {

template <class Choose>
class VmRegionModelRun {
public:
    static constexpr Bytes kPage = mm::KernelGeometry::kPageSize;

    // Neither end of the region is a multiple of more than a page.
    VmRegionModelRun(Choose choose, u64 pages)
        : choose_{std::move(choose)}, whole_{VirtAddr{0xffff'8000'0000'3000}, kPage * pages},
          guard_{kPage * choose_(3)}, region_{whole_, guard_}
    {
        never_fail_notes();
    }
    ~VmRegionModelRun() { forget_notes(); }

    // Does one operation. Returns an empty string, or what went wrong.
    std::string step()
    {
        switch (choose_(6)) {
        case 0:
        case 1:
            allocate();
            break;
        case 2:
            commit();
            break;
        case 3:
            claim();
            break;
        case 4:
            free_one();
            break;
        case 5:
            look_up();
            break;
        }
        return complaint_;
    }

    // Compares all areas of the region with the model. Returns an empty string, or what is wrong.
    std::string check()
    {
        if (region_.areas_in_use() != areas_.size())
            return "the number of areas in use is wrong";
        if (areas_.empty())
            return complaint_;
        mm::VmArea* root = areas_.begin()->second.note;
        while (root->tree.parent != nullptr)
            root = root->tree.parent;
        std::vector<mm::VmArea*> tiles;
        const std::string problem = AddressTreeCheck<mm::VmArea>::run(root, tiles);
        return problem.empty() ? check_tiles(tiles) : problem;
    }

    // Releases all areas and checks that the region is one hole again. Returns an empty string, or what is
    // wrong.
    std::string finish()
    {
        while (!areas_.empty()) {
            const auto area = areas_.begin();
            region_.free(*area->second.note);
            areas_.erase(area);
        }
        const auto all = region_.allocate(whole_.size - guard_, kPage);
        if (!all || (*all)->range != whole_)
            return "free areas were not merged into one";
        return notes_in_use() == 1 ? complaint_ : "a note is left over";
    }

private:
    using State = mm::VmState;
    struct Area {
        Bytes size; // includes the guard
        mm::VmArea* note;
        State state;
    };

    std::vector<VirtRange> holes() const
    {
        std::vector<VirtRange> found;
        VirtAddr at = whole_.base;
        for (const auto& [base, area] : areas_) {
            if (base != at)
                found.push_back({at, base - at});
            at = base + area.size;
        }
        if (at != whole_.end())
            found.push_back({at, whole_.end() - at});
        return found;
    }

    // Returns the place in the lowest hole that has room whatever its base is. If there is none, returns the
    // place in the lowest hole that fits because of its base.
    std::optional<VirtAddr> place_for(Bytes size, Bytes alignment) const
    {
        const std::vector<VirtRange> all = holes();
        for (const VirtRange& hole : all) {
            if (hole.size >= size + alignment - kPage)
                return hole.base.align_up(alignment);
        }
        for (const VirtRange& hole : all) {
            if (hole.contains({hole.base.align_up(alignment), size}))
                return hole.base.align_up(alignment);
        }
        return std::nullopt;
    }

    void allocate()
    {
        // Most sizes are small, some are larger, and a few are 0 or impossible.
        const u64 kind = choose_(16);
        const Bytes size = kPage * (kind == 0  ? choose_(2) * ~u64{0} >> 20
                                    : kind < 4 ? choose_(64)
                                               : 1 + choose_(6));
        const Bytes alignment{kPage.count() << (choose_(4) == 0 ? choose_(12) : 0)};
        const bool notes_run_out = choose_(8) == 0;
        if (notes_run_out)
            fail_notes_after(choose_(3));
        const u64 notes = notes_in_use();
        const auto got = region_.allocate(size, alignment);
        never_fail_notes();
        if (!got && got.error() == mm::VmError::NoMemory) {
            // The note of the whole region stays if it was made.
            if (!notes_run_out || notes_in_use() != std::max<u64>(notes, notes_in_use() > 0))
                complaint_ = "an allocation failed for want of a note and changed something";
            return;
        }
        if (size == Bytes{0} || size > whole_.size - guard_)
            return expect_error(got, mm::VmError::BadSize);
        if (alignment > whole_.size)
            return expect_error(got, mm::VmError::BadAlignment);
        const auto place = place_for(size + guard_, alignment);
        if (!place)
            return expect_error(got, mm::VmError::NoAddresses);
        if (!got || (*got)->range != VirtRange{*place, size + guard_} || !(*got)->is(State::Reserved))
            complaint_ = "an area is missing, is elsewhere, or is not reserved";
        else
            areas_[*place] = {size + guard_, *got, State::Reserved};
    }
    void expect_error(const std::expected<mm::VmArea*, mm::VmError>& got, mm::VmError error)
    {
        if (got || got.error() != error)
            complaint_ = "an impossible allocation is not refused with its error";
    }

    auto some_area()
    {
        auto area = areas_.begin();
        std::advance(area, static_cast<std::ptrdiff_t>(choose_(areas_.size())));
        return area;
    }
    static mm::VmKind kind_of(VirtAddr base)
    {
        return static_cast<mm::VmKind>(base.raw() / kPage.count() % 3);
    }

    void commit()
    {
        if (areas_.empty())
            return;
        auto& [base, area] = *some_area();
        if (area.state != State::Reserved)
            return;
        area.note->kind = kind_of(base);
        area.note->mapped = area.size - guard_;
        area.note->become(State::Used);
        area.state = State::Used;
    }

    // Claims an area at its start or within, and as its kind or another.
    void claim()
    {
        if (areas_.empty())
            return;
        auto& [base, area] = *some_area();
        const VirtAddr at = base + (choose_(4) == 0 ? kPage * choose_(4) : Bytes{0});
        const auto kind = static_cast<mm::VmKind>((static_cast<u64>(kind_of(base)) + (choose_(4) == 0)) % 3);
        const auto found = areas_.find(at);
        const bool right = found != areas_.end() && found->second.state == State::Used && kind_of(at) == kind;
        mm::VmArea* const claimed = region_.claim(at, kind);
        if (claimed != (right ? found->second.note : nullptr))
            complaint_ = "a claim and the model disagree";
        if (right)
            found->second.state = State::Freed;
    }

    void free_one()
    {
        if (areas_.empty())
            return;
        const auto area = some_area();
        if (area->second.state == State::Used)
            return;
        region_.free(*area->second.note);
        areas_.erase(area);
    }

    // Compares what the region knows about a random address with the model.
    void look_up()
    {
        const VirtAddr at =
            whole_.base + kPage * choose_(whole_.size.count() / kPage.count()) + Bytes{choose_(2)};
        auto after = areas_.upper_bound(at);
        std::optional<mm::VmKind> use;
        if (after != areas_.begin()) {
            const auto& [base, area] = *std::prev(after);
            if (area.state == State::Used && VirtRange{base, area.size}.contains(at))
                use = kind_of(base);
        }
        if (region_.use_of(at) != use)
            complaint_ = "the use of an address is wrong";
        auto next = areas_.lower_bound(at);
        while (next != areas_.end() && next->second.state != State::Used)
            ++next;
        const auto listed = region_.next_in_use(at);
        if (listed.has_value() != (next != areas_.end()) ||
            (listed && (listed->range != VirtRange{next->first, next->second.size} ||
                        listed->kind != kind_of(next->first))))
            complaint_ = "the next area in use is wrong";
    }

    std::string check_tiles(const std::vector<mm::VmArea*>& tiles) const
    {
        VirtAddr at = whole_.base;
        u64 held = 0;
        bool free_before = false;
        for (const mm::VmArea* tile : tiles) {
            if (tile->range.base != at || tile->range.is_empty())
                return "the areas do not tile the region";
            at = tile->range.end();
            const bool free = tile->is(State::Free);
            if (free && free_before)
                return "two free areas are neighbours";
            free_before = free;
            if (free)
                continue;
            const auto area = areas_.find(tile->range.base);
            if (area == areas_.end() || area->second.note != tile || area->second.size != tile->range.size ||
                !tile->is(area->second.state))
                return "an area is not the one that was handed out";
            ++held;
        }
        if (at != whole_.end() || held != areas_.size())
            return "areas are missing";
        return notes_in_use() == tiles.size() ? "" : "there are more or fewer notes than areas";
    }

    Choose choose_;
    VirtRange whole_;
    Bytes guard_;
    mm::VmRegion region_;
    std::map<VirtAddr, Area> areas_;
    std::string complaint_;
};

} // namespace percival::testing
