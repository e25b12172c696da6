// SPDX-License-Identifier: BSD-2-Clause
// Letting an allocation fail on purpose, to test what its caller does then:
//
//      {
//          FailNth second{2};       // the second allocation on this CPU from here on fails, and no other
//          EXPECT(!make_something());
//          EXPECT(second.has_failed());
//      }
//
// Pages, blocks and small objects count alike, and those of interrupt handlers on this CPU too; when an
// object needs a new slab, its pages are an allocation of their own. Other CPUs are not affected. The holder
// stays on its CPU.
#pragma once

#include "mm/percpu/this_cpu.hpp"

namespace percival::mm {

// Allocations up to and including the one that is to fail; 0: none is.
extern PerCpu<u32> allocations_until_failure;

// For the allocators. The first is all that a hot path asks; then, once for each allocation, whether it is
// the one.
inline bool failure_is_planned()
{
    return this_cpu<allocations_until_failure>.read() != 0;
}
inline bool must_fail_now()
{
    return failure_is_planned() && allocations_until_failure.add_return(~u32{0}) == 0;
}

class FailNth : Immovable {
public:
    explicit FailNth(u32 nth) { this_cpu<allocations_until_failure>.write(nth); }
    ~FailNth() { this_cpu<allocations_until_failure>.write(0); }

    bool has_failed() const { return !failure_is_planned(); }
};

} // namespace percival::mm
