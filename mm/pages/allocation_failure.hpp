// SPDX-License-Identifier: BSD-2-Clause
// Lets an allocation fail on purpose, to test how its caller copes:
//
//      {
//          FailNth second{2};       // only the second allocation on this CPU from here on fails
//          EXPECT(!make_something());
//          EXPECT(second.has_failed());
//      }
//
// Allocations of pages, blocks and small objects count alike, and so do those of interrupt handlers on this
// CPU. An object that needs a new slab counts twice: the slab's pages are an allocation of their own. Other
// CPUs are not affected. The thread that holds a FailNth stays on its CPU.
#pragma once

#include "mm/percpu/this_cpu.hpp"

namespace percival::mm {

// Number of allocations on this CPU up to and including the one that is to fail; 0 if none is.
extern PerCpu<u32> allocations_until_failure;

// Returns true if a failure is planned on this CPU. For the allocators: a hot path asks nothing else.
inline bool failure_is_planned()
{
    return this_cpu<allocations_until_failure>.read() != 0;
}

// Counts one allocation and returns true if it is the one that has to fail. Called once for each allocation.
inline bool must_fail_now()
{
    return failure_is_planned() && allocations_until_failure.add_return(~u32{0}) == 0;
}

// Lets the `nth` allocation on this CPU fail, counted from the construction, unless the object is gone by
// then.
class FailNth : Immovable {
public:
    explicit FailNth(u32 nth) { this_cpu<allocations_until_failure>.write(nth); }
    ~FailNth() { this_cpu<allocations_until_failure>.write(0); }

    bool has_failed() const { return !failure_is_planned(); }
};

} // namespace percival::mm
