// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/vm_region.hpp"

#include <utility>

namespace percival::mm {
namespace {

// Returns the lowest place for `size` bytes in a hole. It may reach beyond the hole's end.
VirtRange place_in(const VmArea& hole, Bytes size, Bytes alignment)
{
    return {hole.range.base.align_up(alignment), size};
}

} // namespace

// Makes the whole region one hole, unless that was done before. Returns false if there is no memory for its
// note.
bool VmRegion::start()
{
    if (!areas_.is_empty())
        return true;
    VmArea* all = new_area_note();
    if (all == nullptr)
        return false;
    all->range = whole_;
    areas_.insert_first(*all);
    return true;
}

// Returns the area that contains `address`. Null: the address is outside the region, or the region has not
// started.
VmArea* VmRegion::find(VirtAddr address)
{
    VmArea* at = areas_.root();
    while (at != nullptr && !at->range.contains(address))
        at = address < at->range.base ? at->tree.left : at->tree.right;
    return at;
}

// Returns the lowest hole that is sure to have room, which is the case from `size + alignment` less a page
// on. If there is none, returns the lowest hole of at least `size` whose base suits the alignment, or null.
VmArea* VmRegion::find_hole(Bytes size, Bytes alignment)
{
    const Bytes sure = size + alignment - KernelGeometry::kPageSize;
    const auto has = [](const VmArea* area, Bytes room) { return area != nullptr && area->summary >= room; };
    if (has(areas_.root(), sure)) {
        VmArea* at = areas_.root();
        for (;;) {
            if (has(at->tree.left, sure))
                at = at->tree.left;
            else if (at->is(VmState::Free) && at->range.size >= sure)
                return at;
            else
                at = at->tree.right;
        }
    }
    if (!has(areas_.root(), size))
        return nullptr;
    for (VmArea* at = areas_.first(); at != nullptr; at = AddressTree<VmArea>::next(*at)) {
        if (at->is(VmState::Free) && at->range.contains(place_in(*at, size, alignment)))
            return at;
    }
    return nullptr;
}

// Cuts `wanted` out of a hole. The hole's note becomes that of the Reserved area; what is left on either side
// gets a note of its own. Returns false, and changes nothing, if there is no memory for these.
bool VmRegion::cut(VmArea& hole, VirtRange wanted)
{
    const VirtRange before{hole.range.base, wanted.base - hole.range.base};
    const VirtRange after{wanted.end(), hole.range.end() - wanted.end()};
    VmArea* low = before.is_empty() ? nullptr : new_area_note();
    VmArea* high = after.is_empty() ? nullptr : new_area_note();
    if ((low == nullptr && !before.is_empty()) || (high == nullptr && !after.is_empty())) {
        delete_area_note(low);
        delete_area_note(high);
        return false;
    }
    hole.range = wanted;
    hole.slots = nullptr; // the note may have been used for other addresses
    hole.become(VmState::Reserved);
    // In this order the summaries up to the root change once as a rule: the hole's with that of `high`, which
    // is the larger rest in most cuts.
    if (high != nullptr) {
        high->range = after;
        areas_.insert_after(hole, *high);
    }
    if (low != nullptr) {
        low->range = before;
        areas_.insert_before(hole, *low);
    }
    areas_.refresh(hole);
    return true;
}

std::expected<VmArea*, VmError> VmRegion::allocate(Bytes size, Bytes alignment)
{
    if (size == Bytes{0} || size > whole_.size - guard_)
        return std::unexpected{VmError::BadSize};
    if (!std::has_single_bit(alignment.count()) || alignment > whole_.size)
        return std::unexpected{VmError::BadAlignment};
    const IrqSpinGuard guard{lock_};
    if (!start())
        return std::unexpected{VmError::NoMemory};
    VmArea* hole = find_hole(size + guard_, alignment);
    if (hole == nullptr)
        return std::unexpected{VmError::NoAddresses};
    if (!cut(*hole, place_in(*hole, size + guard_, alignment)))
        return std::unexpected{VmError::NoMemory};
    return hole;
}

// Merges the hole `high` into `low`, its lower neighbour. Returns `low`.
VmArea& VmRegion::merge(VmArea& low, VmArea& high)
{
    low.range.size = low.range.size + high.range.size;
    areas_.remove(high);
    delete_area_note(&high);
    areas_.refresh(low);
    return low;
}

void VmRegion::free(VmArea& area)
{
    const IrqSpinGuard guard{lock_};
    area.become(VmState::Free);
    areas_.refresh(area);
    VmArea* hole = &area;
    if (VmArea* before = AddressTree<VmArea>::previous(*hole); before != nullptr && before->is(VmState::Free))
        hole = &merge(*before, *hole);
    if (VmArea* after = AddressTree<VmArea>::next(*hole); after != nullptr && after->is(VmState::Free))
        merge(*hole, *after);
}

VmArea* VmRegion::claim(VirtAddr base, VmKind kind)
{
    const IrqSpinGuard guard{lock_};
    VmArea* area = areas_.root();
    while (area != nullptr && area->range.base != base)
        area = base < area->range.base ? area->tree.left : area->tree.right;
    if (area == nullptr || !area->is(VmState::Used) || area->kind != kind)
        return nullptr;
    area->become(VmState::Freed);
    return area;
}

std::optional<VmKind> VmRegion::use_of(VirtAddr address)
{
    const IrqSpinGuard guard{lock_};
    const VmArea* area = find(address);
    return area != nullptr && area->is(VmState::Used) ? std::optional{area->kind} : std::nullopt;
}

std::optional<VmAreaInfo> VmRegion::next_in_use(VirtAddr from)
{
    const IrqSpinGuard guard{lock_};
    VmArea* area = find(from);
    if (area != nullptr && area->range.base < from)
        area = AddressTree<VmArea>::next(*area);
    while (area != nullptr && !area->is(VmState::Used))
        area = AddressTree<VmArea>::next(*area);
    if (area == nullptr)
        return {};
    return VmAreaInfo{area->range, area->mapped, area->caller, area->kind};
}

u64 VmRegion::areas_in_use()
{
    const IrqSpinGuard guard{lock_};
    u64 count = 0;
    for (VmArea* area = areas_.first(); area != nullptr; area = AddressTree<VmArea>::next(*area))
        count += area->is(VmState::Free) ? 0 : 1;
    return count;
}

constinit VmRegion vm_region_detail::vmalloc_region{KernelLayout::kVmalloc, KernelGeometry::kPageSize};

VmRegion& modules_region()
{
    static constinit VmRegion region{KernelLayout::kModules, KernelGeometry::kPageSize};
    return region;
}

VmRegion& global_percpu_region()
{
    static constinit VmRegion region{KernelLayout::kGlobalPercpu, Bytes{0}};
    return region;
}

VmRegion& local_percpu_region()
{
    static constinit VmRegion region{KernelLayout::kLocalPercpu, Bytes{0}};
    return region;
}

} // namespace percival::mm
