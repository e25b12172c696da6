// SPDX-License-Identifier: BSD-2-Clause
// The one place that reports wrong accesses to percpu memory, which the shadow has found. The report says
// what is wrong, where, in which object, and who allocated and freed it. It ends in a panic, whose backtrace
// is that of the access.
#pragma once

#include "kernel/lib/types.hpp"
#include "mm/percpu_shadow/finding.hpp"

namespace percival::percpu::shadow {

// For tests: while it lives, findings of all CPUs are counted here and are not reported, and the accesses
// happen. One at a time.
class ExpectedFindings : Immovable {
public:
    ExpectedFindings();
    ~ExpectedFindings();

    // The number of findings since the beginning, and the last of them. Only while no other CPU makes one.
    u32 count() const;
    const Finding& last() const;
};

} // namespace percival::percpu::shadow
