// SPDX-License-Identifier: BSD-2-Clause
// Tells a device tree that describes a machine from one that only has what a loader adds to any. Boot only;
// also on the host.
#pragma once

#include <cstddef>
#include <span>

namespace percival::boot {

// Returns whether the tree has no node below its root but /chosen and Xen's /hypervisor, which is compatible
// with "xen,xen", as Linux asks before it believes ACPI tables rather than the tree. The header must be right
// (device_tree_size()). A damaged structure is no stub: whoever reads it has to say what is wrong.
bool is_stub_tree(std::span<const std::byte> tree);

} // namespace percival::boot
