// SPDX-License-Identifier: BSD-2-Clause
// Reads the CPUs and the interrupt controller from MADT, whose signature is "APIC" (ACPI Specification 6.5,
// 5.2.12). Boot only; also on the host.
#pragma once

#include "boot/acpi/entries.hpp"

namespace percival::boot::acpi {

// Fills in the CPUs, their UIDs, the interrupt controller and the reservations of mailboxes. The machine's
// PSCI has been read. The error is that there is no CPU, or no controller that the kernel drives.
Result<void> read_madt(TableBytes madt, MachineDescription& machine, Uids& uids, Notes notes);

} // namespace percival::boot::acpi
