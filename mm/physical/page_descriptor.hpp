// SPDX-License-Identifier: BSD-2-Clause
// The page allocator's data about one page: 8 bytes, so that 64 GiB of 4 KiB pages cost 128 MiB.
//
//      63         36 35          8 7     4    3       2    0
//     | previous    | next        | order | poison | use    |
//
// The links are page indexes within the zone, valid on free lists only. They are here and not in the free
// page itself, so that a write to freed memory cannot corrupt the allocator.
//
// Invariants:
// * Only the first page of a block has a use other than None. Only the owner of the block changes it: a zone
//   under its lock, a CPU's page cache, or the code that allocated it.
// * Other CPUs may read it meanwhile (to merge a neighbour, or in a second free). So every access is one
//   64-bit load or store, or one compare-exchange where two CPUs could claim the page at once.
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/physical/page_order.hpp"

#include <atomic>

namespace percival::mm {

enum class PageUse : u8 {
    None,      // not the first page of a block, or not the allocator's page
    Free,      // on a free list of its zone
    Allocated, // handed out
    Cached,    // in a CPU's page cache, order 0
    Objects,   // handed out to the small-object allocator, which alone may free it
};

class PageState {
public:
    static constexpr unsigned kIndexBits = 28;
    static constexpr u32 kNoIndex = (u32{1} << kIndexBits) - 1;

    constexpr PageState() = default;
    constexpr explicit PageState(PageUse use, PageOrder order = kOnePage)
        : raw_{static_cast<u64>(use) | u64{order.number()} << kOrderShift}
    {
    }
    // Returns the state of a block on a free list between two others. kNoIndex stands at the ends of the
    // list.
    static constexpr PageState free(PageOrder order, u32 previous, u32 next)
    {
        PageState state{PageUse::Free, order};
        state.raw_ |= u64{previous} << kPreviousShift | u64{next} << kNextShift;
        return state;
    }
    static constexpr PageState from_raw(u64 raw)
    {
        PageState state;
        state.raw_ = raw;
        return state;
    }

    constexpr u64 raw() const { return raw_; }
    constexpr PageUse use() const { return static_cast<PageUse>(raw_ & 7); }
    constexpr PageOrder order() const { return PageOrder{static_cast<unsigned>(raw_ >> kOrderShift) & 0xf}; }
    constexpr bool is(PageUse use, PageOrder order) const
    {
        constexpr u64 kMask = 0xf7;
        return ((raw_ ^ PageState{use, order}.raw_) & kMask) == 0;
    }
    constexpr u32 next() const { return static_cast<u32>(raw_ >> kNextShift) & kNoIndex; }
    constexpr u32 previous() const { return static_cast<u32>(raw_ >> kPreviousShift); }

    // Returns whether the page was filled with the poison pattern when it was freed, so that it can be
    // checked.
    constexpr bool is_poisoned() const { return (raw_ & kPoison) != 0; }
    constexpr PageState with_poison(bool poisoned) const
    {
        return from_raw(poisoned ? raw_ | kPoison : raw_ & ~kPoison);
    }
    friend constexpr bool operator==(PageState, PageState) = default;

private:
    static constexpr u64 kPoison = 8;
    static constexpr unsigned kOrderShift = 4;
    static constexpr unsigned kNextShift = 8;
    static constexpr unsigned kPreviousShift = kNextShift + kIndexBits;

    u64 raw_{0};
};

class PageDescriptor {
public:
    PageState load() const
    {
        return PageState::from_raw(std::atomic_ref{raw_}.load(std::memory_order_relaxed));
    }
    void store(PageState state) { std::atomic_ref{raw_}.store(state.raw(), std::memory_order_relaxed); }
    // Claims the page: changes its state if it is `from`. Returns false if it is not. Of two CPUs that try,
    // one succeeds.
    [[nodiscard]] bool change(PageState from, PageState to)
    {
        u64 expected = from.raw();
        return std::atomic_ref{raw_}.compare_exchange_strong(expected, to.raw(), std::memory_order_relaxed);
    }

private:
    u64 raw_{0};
};

static_assert(sizeof(PageDescriptor) == 8);
static_assert(kMaxPageOrder.number() <= 0xf);

} // namespace percival::mm
