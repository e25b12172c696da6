// SPDX-License-Identifier: BSD-2-Clause
// The bookkeeping of guarded objects: slots, each a page of addresses with a guard page behind it.
//
//      page of slot 0 | guard | page of slot 1 | guard | ...
//           [object]           [object]
//
// A slot that was freed waits in a queue, the quarantine, behind all slots that were freed before. So its
// addresses stay invalid for as long as there is any other slot, and the quarantine is never longer than the
// number of slots.
//
// Pure bookkeeping, on the host too. The caller serializes calls, except find(), which a fault may need at
// any time: it may see a slot half changed, but reads nothing that could fault.
//
// INV-guarded_slots-1: a slot is in the queue exactly while it is neither live nor claimed by a free that has
//     not ended with retire().
#pragma once

#include "kernel/lib/address.hpp"

#include <expected>
#include <optional>
#include <span>

namespace percival::mm {

enum class SlotState : u8 { Unused, Live, Freed };

enum class WrongFree : u8 {
    NoObject, // no object of this size begins at the address
    Freed,    // the object is free already
};

// `Note` says who allocated or freed an object.
template <class Note>
struct GuardedSlot {
    Bytes object{}; // the size, of the last object if it is freed
    u32 next{0};    // in the queue
    SlotState state{SlotState::Unused};
    Note allocated{};
    Note freed{};
};

template <class Note>
class GuardedSlots {
public:
    using Slot = GuardedSlot<Note>;

    struct Place {
        const Slot* slot;
        VirtAddr object;       // where the slot's object begins
        bool is_behind_object; // in the guard page
    };

    constexpr GuardedSlots() = default;

    // Returns how many addresses `count` slots take.
    static constexpr Bytes addresses_for(u64 count, Bytes page) { return page * 2 * count; }

    // Starts with all slots unused. `base` is the first address of the first slot's page.
    void start(std::span<Slot> slots, VirtAddr base, Bytes page)
    {
        slots_ = slots;
        base_ = base;
        page_ = page;
        for (u32 slot = 0; slot < slots.size(); ++slot)
            push_back(slot);
    }

    std::size_t count() const { return slots_.size(); }
    VirtAddr page_of(u32 slot) const { return base_ + page_ * 2 * slot; }
    // Returns where the object of a slot begins: it ends where the page ends.
    VirtAddr object_of(u32 slot) const { return page_of(slot) + (page_ - slots_[slot].object); }

    // Makes the slot that has been free for longest one with a live object, and returns it. Returns nothing
    // if all slots are live.
    std::optional<u32> take(Bytes object, const Note& by)
    {
        if (first_ == kNone)
            return std::nullopt;
        const u32 slot = first_;
        first_ = slots_[slot].next;
        slots_[slot].object = object;
        slots_[slot].allocated = by;
        slots_[slot].state = SlotState::Live;
        return slot;
    }

    // Takes take() back: there was no memory for the slot's page. The slot is the next one again, so that
    // slots in quarantine stay there.
    void put_back(u32 slot)
    {
        slots_[slot].state = SlotState::Unused;
        slots_[slot].next = first_;
        if (first_ == kNone)
            last_ = slot;
        first_ = slot;
    }

    // Claims a live object for a caller that frees it. If several callers free it, one gets it. The caller
    // makes the page invalid and calls retire().
    std::expected<u32, WrongFree> claim(VirtAddr object, Bytes size, const Note& by)
    {
        const std::optional<u32> slot = slot_at(object);
        if (!slot || slots_[*slot].state == SlotState::Unused || slots_[*slot].object != size ||
            object_of(*slot) != object)
            return std::unexpected{WrongFree::NoObject};
        if (slots_[*slot].state == SlotState::Freed)
            return std::unexpected{WrongFree::Freed};
        slots_[*slot].state = SlotState::Freed;
        slots_[*slot].freed = by;
        return *slot;
    }

    // Puts a claimed slot, whose page is invalid by now, at the end of the quarantine.
    void retire(u32 slot) { push_back(slot); }

    // Returns whether `address` is in a slot or in a guard page.
    bool contains(VirtAddr address) const { return slot_at(address).has_value(); }

    // Returns what an address belongs to, if its slot has or had an object.
    std::optional<Place> find(VirtAddr address) const
    {
        const std::optional<u32> slot = slot_at(address);
        if (!slot || slots_[*slot].state == SlotState::Unused)
            return std::nullopt;
        return Place{&slots_[*slot], object_of(*slot), address >= page_of(*slot) + page_};
    }

private:
    static constexpr u32 kNone = ~u32{0};

    std::optional<u32> slot_at(VirtAddr address) const
    {
        if (slots_.empty() || !VirtRange{base_, addresses_for(slots_.size(), page_)}.contains(address))
            return std::nullopt;
        return static_cast<u32>((address - base_) / (page_ * 2));
    }

    void push_back(u32 slot)
    {
        slots_[slot].next = kNone;
        (first_ == kNone ? first_ : slots_[last_].next) = slot;
        last_ = slot;
    }

    std::span<Slot> slots_{};
    VirtAddr base_{};
    Bytes page_{};
    u32 first_{kNone}; // of the queue
    u32 last_{0};      // meaningful while the queue is not empty
};

} // namespace percival::mm
