// SPDX-License-Identifier: BSD-2-Clause
// The lists that order the percpu chunks for a search. The fullest chunk that may have room comes first, so
// that nearly empty chunks become unused and their memory can be freed.
//
//      sized[0]       no free grain              not searched
//      sized[1]       longest free run 1         a chunk's slot is the bit width of its longest run; a
//      sized[2]                        2..3      search for n grains starts at the slot of n, where some
//      sized[3]                        4..7      chunks fit, and continues with higher slots, where all do
//      ...
//      sidelined      a search failed here       not searched until something is freed in the chunk
//      isolated       nearly empty, drains       searched if no sized chunk has room
//      unused         nothing is allocated       searched last: these can be destroyed
//
// A chunk with empty pages to depopulate is also in a queue for the worker, whichever list it is on.
//
// The caller serializes calls, and reports every change of a chunk's map. Any context; runs on the host too.
//
// Invariants:
// * Each chunk that was added is on exactly one list, which slot_kind() names.
// * The unused list has exactly the chunks in which nothing is allocated. The number of a sized list is the
//   bit width of the longest run of each chunk on it.
#pragma once

#include "kernel/lib/list.hpp"
#include "mm/percpu/request.hpp"

#include <array>
#include <bit>
#include <concepts>

namespace percival::percpu {

// The number of sized lists, for bit widths 0 to 31 of the longest free run.
inline constexpr u32 kSizedSlots = 32;

// The list a chunk is on.
enum class SlotKind : u8 { Sized, Sidelined, Isolated, Unused };

struct BySlot;
struct ByDepopulation;

// The base class of a chunk, with its links.
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
    // Removes the chunk from its list and from the queue, before it is destroyed.
    void remove(Chunk& chunk);

    // Moves the chunk to its list after something was freed in it. An isolated chunk stays isolated unless
    // nothing is left in it.
    void after_free(Chunk& chunk);
    // Lets the chunk drain: searches take room in it only if no sized chunk has any. Does nothing if it is
    // unused.
    void isolate(Chunk& chunk) { move(chunk, chunk.is_unused() ? SlotKind::Unused : SlotKind::Isolated); }
    // Undoes isolate().
    void reintegrate(Chunk& chunk) { move(chunk, by_contents(chunk)); }

    // Calls attempt(chunk) for chunks whose longest free run is long enough, until it returns true. Returns
    // that chunk, or null. The chunk moves to its new sized list, also from the isolated one. A chunk in
    // which an attempt for a small request fails, because of the alignment, is sidelined if `sidelines` is
    // true. The caller passes false if the attempt was restricted to some pages, because then its failure
    // says little about the next one.
    template <std::predicate<Chunk&> Attempt>
    Chunk* allocate(Request request, bool sidelines, Attempt attempt);

    // Returns the first chunk in which nothing is allocated, or null. after(chunk) returns the next.
    Chunk* first_unused() const { return unused_.front(); }
    static Chunk* after(const Chunk& chunk) { return SlotList::next(chunk); }

    // Queues the chunk for depopulation, unless it is queued already.
    void queue_depopulation(Chunk& chunk);
    // Removes the chunk that has waited longest from the queue and returns it, or returns null.
    Chunk* take_for_depopulation();

private:
    using SlotList = List<Chunk, BySlot>;
    using Queue = List<Chunk, ByDepopulation>;

    // Returns whether size and alignment are at most 64 bytes: a chunk without room for that is nearly full.
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
    u32 sized_in_use_{0}; // the bit of a sized list is set if the list is not empty
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
    // A chunk that is on the right list already keeps its position, so that the usual operation moves
    // nothing.
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
