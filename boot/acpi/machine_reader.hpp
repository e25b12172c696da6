// SPDX-License-Identifier: BSD-2-Clause
// Reads the machine's static ACPI tables into the same description as a device tree: FADT, MADT, GTDT, SPCR,
// SRAT and PPTT (ACPI Specification 6.5, 5.2). No AML is interpreted, so devices that only AML describes,
// such as PCI hosts, are left out. Boot only; also on the host.
//
// For any tables the result is a description or an error with a clear sentence. What the kernel can do
// without is left out, and told to `notes`.
#pragma once

#include "boot/acpi/entries.hpp"
#include "boot/acpi/tables.hpp"

namespace percival::boot::acpi {

// Fills `machine`, which is as it was constructed; the CPU with this MPIDR_EL1 becomes the first one, if the
// tables have it. Memory is filled only where SRAT says on which node it is; the firmware's memory map says
// which memory is free. Reservations are the mailboxes of parked CPUs.
Result<void> read_machine(const Tables& tables, MachineDescription& machine, u64 boot_mpidr, Notes notes);

} // namespace percival::boot::acpi
