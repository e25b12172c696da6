// SPDX-License-Identifier: BSD-2-Clause
// Follows the chain of frame records through memory that may be damaged. A frame record is the caller's x29
// with the return address after it, and x29 points to it (AAPCS64 6.4.6). The walker has no side effects: any
// context, on the host too.
//
// INV-frame_walker-1: the walker reads only addresses inside a stack that `stack_containing` returned, so it
//                     never faults.
//
// INV-frame_walker-2: within a stack the records go strictly up, and the chain changes stacks a bounded
//                     number of times, so a walk ends.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <optional>

namespace percival::arch {

template <class StackContaining>
class FrameWalker {
public:
    // Starts at `frame_pointer`. `stack_containing(VirtAddr) -> std::optional<VirtRange>` returns the stack
    // that an address lies in.
    FrameWalker(VirtAddr frame_pointer, StackContaining stack_containing)
        : next_{frame_pointer}, stack_containing_{stack_containing}
    {
    }

    // Returns the next return address as it lies in memory: signed, where pointer authentication is in use.
    // Returns nothing at the end of the chain and where the chain is damaged.
    std::optional<VirtAddr> next()
    {
        if (!enter(next_))
            return {};
        // SAFETY: enter() checked that the record is aligned and lies wholly inside a mapped stack.
        const volatile u64* record = reinterpret_cast<const volatile u64*>(next_.raw());
        const VirtAddr caller_frame{record[0]};
        const VirtAddr return_address{record[1]};
        lowest_ = next_ + kRecordSize;
        next_ = caller_frame;
        if (return_address == VirtAddr{0}) // the first code on a stack ends the chain so
            return {};
        return return_address;
    }

private:
    static constexpr Bytes kRecordSize{16};
    // A chain may run from the overflow stack over the interrupt stack to the thread's stack, so it changes
    // stacks twice at most. One more is allowed for.
    static constexpr unsigned kMaxStackChanges = 3;

    // Returns whether the record at `frame` may be read. Looks up the stack if the chain has left the last
    // one.
    bool enter(VirtAddr frame)
    {
        if (!frame.is_aligned(kRecordSize))
            return false;
        if (stack_ && stack_->contains(VirtRange{frame, kRecordSize}))
            return frame >= lowest_;
        if (changes_++ > kMaxStackChanges)
            return false;
        stack_ = stack_containing_(frame);
        return stack_ && stack_->contains(VirtRange{frame, kRecordSize});
    }

    VirtAddr next_;
    VirtAddr lowest_{};
    std::optional<VirtRange> stack_{};
    unsigned changes_{0};
    StackContaining stack_containing_;
};

} // namespace percival::arch
