// SPDX-License-Identifier: BSD-2-Clause
// Following the chain of frame records (AAPCS64 6.4.6: x29 points to the caller's x29, with the return
// address behind it) through memory that may be damaged. Pure but for the reads it is allowed: any context,
// on the host too.
//
// INV-frame_walker-1: only addresses inside a stack that `stack_containing` names are read: a walk never
//                     faults.
//
// INV-frame_walker-2: within a stack records go strictly up, and the chain changes stacks a bounded number of
//                     times: a walk ends.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <optional>

namespace percival::arch {

template <class StackContaining>
class FrameWalker {
public:
    // `stack_containing(VirtAddr) -> std::optional<VirtRange>`
    FrameWalker(VirtAddr frame_pointer, StackContaining stack_containing)
        : next_{frame_pointer}, stack_containing_{stack_containing}
    {
    }

    // The next return address, as it lies in memory (signed, where pointer authentication is in use); nothing
    // at the end of the chain or where it makes no sense any more.
    std::optional<VirtAddr> next()
    {
        if (!enter(next_))
            return {};
        // SAFETY: enter() found the whole record inside a mapped stack and aligned.
        const volatile u64* record = reinterpret_cast<const volatile u64*>(next_.raw());
        const VirtAddr caller_frame{record[0]};
        const VirtAddr return_address{record[1]};
        lowest_ = next_ + kRecordSize;
        next_ = caller_frame;
        if (return_address == VirtAddr{0}) // how the first code on a stack ends the chain
            return {};
        return return_address;
    }

private:
    static constexpr Bytes kRecordSize{16};
    // Overflow stack, interrupt stack, task stack: two changes in a row are the most there is, with one to
    // spare.
    static constexpr unsigned kMaxStackChanges = 3;

    // Whether the record at `frame` may be read.
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
