// SPDX-License-Identifier: BSD-2-Clause
// Where a virtio function on PCI has its registers: its capabilities name a BAR and an offset for each of
// several structures (Virtual I/O Device 1.2, 4.1.4). Any context.
#pragma once

#include "kernel/pci/capabilities.hpp"
#include "kernel/pci/host.hpp"

namespace percival {

// A part of a BAR.
struct VirtioStructure {
    u8 bar{0};
    u32 offset{0};
    u32 length{0}; // 0: there is no such structure
};

struct VirtioStructures {
    VirtioStructure common{};
    VirtioStructure notify{};
    VirtioStructure device{};
    u32 notify_multiplier{0}; // bytes from the place of one queue to that of the next
};

// Returns the first structure of each kind. An error is a sentence's end: "has no …".
std::expected<VirtioStructures, std::string_view> find_virtio_structures(const PciFunction& function);

// Returns where the structure lies for the CPU; empty if it is not within its BAR.
PhysRange range_of(const VirtioStructure& structure, const PciBars& bars);

} // namespace percival
