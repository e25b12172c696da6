// SPDX-License-Identifier: BSD-2-Clause
// Says in the report of a fault what lies at the address, if that makes the fault plain: a part of the image
// that is read-only, a sealed root table, or an object that a debug facility knows of. This is the one place
// where the report of a fault learns about an address.
//
// Any context, a panic included: takes no lock that the faulting code may hold, and touches only memory that
// is always mapped.
#pragma once

#include "kernel/lib/address.hpp"

#include <string_view>

namespace percival {

// What a facility knows of addresses that it owns. print() prints lines about `address`, or nothing if the
// address is not one of them. Any context, a panic included.
struct FaultExplainer {
    void (*print)(VirtAddr address);
};

// From now on reports ask `explainer` too. One facility only. Boot CPU, before any other CPU runs.
void set_fault_explainer(const FaultExplainer& explainer);

// Prints what is known of the address of a fault; nothing if it is nothing special.
void explain_fault_address(VirtAddr address);

// Returns what lies at `address` that is read-only, in words; empty if the kernel knows nothing of it.
std::string_view read_only_memory_at(VirtAddr address);

} // namespace percival
