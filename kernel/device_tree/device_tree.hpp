// SPDX-License-Identifier: BSD-2-Clause
// Turns the flattened device tree that the loader hands over into a MachineDescription. Boot only, before any
// other CPU runs. Host tests and fuzzers use it too.
//
// For any input bytes the result is a value or an error with a clear sentence, never a wild access. Data that
// the kernel needs is an error when missing or malformed. Data that it can do without is left out, and
// MachineDescription::notes says so.
//
// INV-device_tree-1: after success these hold. Memory is not empty; its banks are sorted, not empty, do not
//     overlap and lie below kPhysicalLimit. There is at least one CPU, and no MPIDR occurs twice.
//     Reservations are not empty and lie below kPhysicalLimit. The interrupt controller's register ranges are
//     not empty. NUMA nodes are below kMaxNumaNodes.
// The blob itself is not among the reservations: only the caller knows where it lies.
#pragma once

#include "kernel/device_tree/error.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/firmware/firmware_facts.hpp"

#include <cstddef>
#include <expected>
#include <span>

namespace percival {

// Linux Documentation/arch/arm64/booting.rst, section 2: the tree lies on an 8-byte boundary and is at most 2
// MiB long.
inline constexpr u64 kDeviceTreeAlignment = 8;
inline constexpr Bytes kDeviceTreeLimit = 2_MiB;

// The size of a version 17 header, which device_tree_size() reads.
inline constexpr std::size_t kDeviceTreeHeaderBytes = 40;

// Returns the size of the whole blob according to its header, so that boot code knows how much to map. Also
// checks the magic number, the version and the alignment of the offsets. Reads nothing beyond the header.
std::expected<Bytes, DeviceTreeError> device_tree_size(std::span<const std::byte> header);

// Reads the tree at the start of `blob`, which may be longer than the tree. The string views in `machine`
// point into the blob. After an error only `uart`, `psci` and `boot_arguments` of `machine` are valid, as far
// as the tree has them: they are needed to report the error and to end the run. In a damaged tree they are
// searched for (kernel/device_tree/salvage.hpp). What `facts` have takes the place of what the tree says.
std::expected<void, DeviceTreeError> read_device_tree(std::span<const std::byte> blob,
                                                      MachineDescription& machine,
                                                      const FirmwareFacts& facts = {});

// Makes the CPU with this MPIDR_EL1 number 0, the boot CPU; the others keep their order. Returns false when
// the tree has no such CPU. Bits outside the affinity fields are ignored.
[[nodiscard]] bool move_boot_cpu_first(MachineDescription& machine, u64 mpidr_el1);

} // namespace percival
