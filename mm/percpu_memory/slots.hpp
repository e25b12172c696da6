// SPDX-License-Identifier: BSD-2-Clause
// In which order the percpu chunks are asked for room. The fullest that may have it comes first, so that
// nearly empty chunks become empty and their memory can go.
//
//      sized[0]       no free grain              not searched
//      sized[1]       longest free run 1         a chunk's slot is the number of bits of its longest run:
//      sized[2]                        2..3      what asks for n grains starts at the slot of n, where some
//      sized[3]                        4..7      fit, and goes up, where all do
//      ...
//      sidelined      a search in them failed    not searched before something is freed in them
//      isolated       nearly empty, to drain     searched when no sized chunk has room
//      unused         nothing allocated in them  searched last: these can be destroyed
//
// Chunks whose empty pages are to lose their memory queue up for the worker besides, wherever they are.
//
// The caller serializes calls. Any context, on the host too.
//
// INV-percpu_slots-1: each chunk that was added is on exactly one list: `slot_kind()` names it.
// INV-percpu_slots-2: the unused list has exactly the chunks on which nothing is allocated, and the longest run
//                     of a chunk on a sized list has as many bits as the list's number: every change of a
//                     chunk's map is told here.
#pragma once

#include "kernel/lib/list.hpp"
#include "mm/percpu/request.hpp"

#include <array>
#include <bit>
#include <concepts>

namespace percival::percpu {

// Lists by the longest free run: 0 to 31 bits.
inline constexpr u32 kSizedSlots = 32;

// The list a chunk is on.
enum class SlotKind : u8 { Sized, Sidelined, Isolated, Unused };

struct BySlot;
struct ByDepopulation;

// What a chunk derives from.
template <class Chunk>
class Slotted : public ListLink<BySlot>, public ListLink<ByDepopulation> {
public:
    SlotKind slot_kind() const { return slot_kind_; }

private:
    template <class>
    friend class Slots;
    SlotKind slot_kind_{SlotKind::Unused};
    u8 sized_slot_{0};
};

template <class Chunk>
class Slots : Immovable {
public:
    constexpr Slots() = default;

    void add(Chunk& chunk) { put_in(chunk, by_contents(chunk)); }
    // Before the chunk is destroyed: it is on no list any more.
    void remove(Chunk& chunk);

    // After something was freed in the chunk. One that is isolated stays so, unless nothing is left in it.
    void after_free(Chunk& chunk);
    // It is to drain: no allocation in it while others have room. Nothing if it is unused.
    void isolate(Chunk& chunk) { move(chunk, chunk.is_unused() ? SlotKind::Unused : SlotKind::Isolated); }
    // No longer.
    void reintegrate(Chunk& chunk) { move(chunk, by_contents(chunk)); }

    // Asks the chunks whose longest free run is long enough, until attempt(chunk) is true; the chunk, or null.
    // It moves to where it belongs now, back from isolation if need be. One in which a small request finds no
    // aligned place all the same is sidelined, if `sidelines`: not when the attempt was bound to certain
    // pages, because then it says little about the next one.
    template <std::predicate<Chunk&> Attempt>
    Chunk* allocate(Request request, bool sidelines, Attempt attempt);

    // A chunk on which nothing is allocated; null if there is none. The next is after(chunk).
    Chunk* first_unused() const { return unused_.front(); }
    static Chunk* after(const Chunk& chunk) { return SlotList::next(chunk); }

    // Once in the queue, however often it is asked for.
    void queue_depopulation(Chunk& chunk);
    // The chunk that has waited longest, no longer in the queue; null if there is none.
    Chunk* take_for_depopulation();

private:
    using SlotList = List<Chunk, BySlot>;
    using Queue = List<Chunk, ByDepopulation>;

    // Requests up to 64 bytes, aligned to no more: a chunk that has no room for one is nearly full.
    static bool is_small(Request request) { return std::max(request.grains(), request.alignment()) <= 16; }

    static u32 longest_run(const Chunk& chunk)
    {
        return static_cast<u32>(chunk.largest_free().count() / kGrain.count());
    }
    static u32 slot_of(u32 grains) { return static_cast<u32>(std::bit_width(grains)); }
    static SlotKind by_contents(const Chunk& chunk)
    {
        return chunk.is_unused() ? SlotKind::Unused : SlotKind::Sized;
    }

    static bool awaits_depopulation(const ListLink<ByDepopulation>& link) { return link.is_linked(); }

    SlotList& list_of(Chunk& chunk);
    void put_in(Chunk& chunk, SlotKind kind);
    void take_out(Chunk& chunk);
    void move(Chunk& chunk, SlotKind kind);
    template <class Attempt>
    Chunk* allocate_in(SlotList& list, Request request, bool sidelines, Attempt& attempt);

    std::array<SlotList, kSizedSlots> sized_{};
    u32 sized_in_use_{0}; // a bit for each sized list that is not empty
    SlotList sidelined_{};
    SlotList isolated_{};
    SlotList unused_{};
    Queue depopulation_{};
};

template <class Chunk>
auto Slots<Chunk>::list_of(Chunk& chunk) -> SlotList&
{
    switch (chunk.slot_kind_) {
    case SlotKind::Sidelined:
        return sidelined_;
    case SlotKind::Isolated:
        return isolated_;
    case SlotKind::Unused:
        return unused_;
    case SlotKind::Sized:
        break;
    }
    return sized_[chunk.sized_slot_];
}

template <class Chunk>
void Slots<Chunk>::put_in(Chunk& chunk, SlotKind kind)
{
    chunk.slot_kind_ = kind;
    if (kind == SlotKind::Sized) {
        const u32 slot = slot_of(longest_run(chunk));
        chunk.sized_slot_ = static_cast<u8>(slot);
        sized_in_use_ |= u32{1} << slot;
    }
    list_of(chunk).push_front(chunk);
}

template <class Chunk>
void Slots<Chunk>::take_out(Chunk& chunk)
{
    list_of(chunk).remove(chunk);
    if (chunk.slot_kind_ == SlotKind::Sized && sized_[chunk.sized_slot_].empty())
        sized_in_use_ &= ~(u32{1} << chunk.sized_slot_);
}

template <class Chunk>
void Slots<Chunk>::move(Chunk& chunk, SlotKind kind)
{
    // Where it is already, it stays, so that the usual operation moves nothing.
    if (chunk.slot_kind_ == kind &&
        (kind != SlotKind::Sized || chunk.sized_slot_ == slot_of(longest_run(chunk))))
        return;
    take_out(chunk);
    put_in(chunk, kind);
}

template <class Chunk>
void Slots<Chunk>::remove(Chunk& chunk)
{
    take_out(chunk);
    if (awaits_depopulation(chunk))
        depopulation_.remove(chunk);
}

template <class Chunk>
void Slots<Chunk>::after_free(Chunk& chunk)
{
    if (chunk.slot_kind_ != SlotKind::Isolated || chunk.is_unused())
        move(chunk, by_contents(chunk));
}

template <class Chunk>
template <class Attempt>
Chunk* Slots<Chunk>::allocate_in(SlotList& list, Request request, bool sidelines, Attempt& attempt)
{
    Chunk* next = nullptr;
    for (Chunk* chunk = list.front(); chunk != nullptr; chunk = next) {
        next = SlotList::next(*chunk);
        if (longest_run(*chunk) < request.grains())
            continue;
        if (attempt(*chunk)) {
            move(*chunk, SlotKind::Sized);
            return chunk;
        }
        if (sidelines)
            move(*chunk, SlotKind::Sidelined);
    }
    return nullptr;
}

template <class Chunk>
template <std::predicate<Chunk&> Attempt>
Chunk* Slots<Chunk>::allocate(Request request, bool sidelines, Attempt attempt)
{
    const bool sidelines_here = sidelines && is_small(request);
    const u32 lowest = slot_of(request.grains());
    for (u32 left = sized_in_use_ >> lowest << lowest; left != 0; left &= left - 1) {
        SlotList& list = sized_[static_cast<u32>(std::countr_zero(left))];
        if (Chunk* chunk = allocate_in(list, request, sidelines_here, attempt))
            return chunk;
    }
    if (Chunk* chunk = allocate_in(isolated_, request, false, attempt))
        return chunk;
    return allocate_in(unused_, request, false, attempt);
}

template <class Chunk>
void Slots<Chunk>::queue_depopulation(Chunk& chunk)
{
    if (!awaits_depopulation(chunk))
        depopulation_.push_back(chunk);
}

template <class Chunk>
Chunk* Slots<Chunk>::take_for_depopulation()
{
    return depopulation_.pop_front();
}

} // namespace percival::percpu
