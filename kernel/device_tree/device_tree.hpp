// SPDX-License-Identifier: BSD-2-Clause
// The flattened device tree that the loader hands over, turned into a MachineDescription.
// Boot only, before any other CPU runs; the host tests and fuzzes it.
//
// Whatever the bytes are, the result is a value or an error with a clear sentence, never a wild access. What
// the kernel needs and does not find, or finds malformed, is an error. What it can do without is left out,
// and said so in MachineDescription::notes.
//
// INV-device_tree-1: after success memory is not empty, sorted, free of overlaps and empty banks, and below
//     kPhysicalLimit; there is at least one CPU and no MPIDR twice; reservations are not empty and below
//     kPhysicalLimit; the interrupt controller's register ranges are not empty; numa nodes are below
//     kMaxNumaNodes.
// INV-device_tree-2: the blob itself is not among the reservations: its place is the caller's knowledge.
#pragma once

#include "kernel/device_tree/error.hpp"
#include "kernel/device_tree/machine.hpp"

#include <cstddef>
#include <expected>
#include <span>

namespace percival {

// Linux Documentation/arch/arm64/booting.rst, section 2: on an 8-byte boundary, not more than 2 MiB.
inline constexpr u64 kDeviceTreeAlignment = 8;
inline constexpr Bytes kDeviceTreeLimit = 2_MiB;

// What device_tree_size() wants to see: the version 17 header.
inline constexpr std::size_t kDeviceTreeHeaderBytes = 40;

// The whole blob's size by its header, so that boot code knows how much to map. Checks the magic, the version
// and the offsets' alignment too; nothing beyond the header is read.
std::expected<Bytes, DeviceTreeError> device_tree_size(std::span<const std::byte> header);

// Reads the tree at the start of `blob` (which may be longer). Its string views point into the blob. After an
// error `machine` holds what is needed to say it and to end the run, as far as the tree has that: uart, psci
// and boot_arguments. All else is not sensible then.
std::expected<void, DeviceTreeError> read_device_tree(std::span<const std::byte> blob,
                                                      MachineDescription& machine);

// Makes the CPU with this MPIDR_EL1 number 0, the boot CPU; the others keep their order. False: the tree does
// not name it. Bits outside the affinity fields are ignored.
[[nodiscard]] bool move_boot_cpu_first(MachineDescription& machine, u64 mpidr_el1);

} // namespace percival
