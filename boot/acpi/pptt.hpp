// SPDX-License-Identifier: BSD-2-Clause
// Reads from PPTT which CPUs are hardware threads of one core (ACPI Specification 6.5, 5.2.30). Boot only;
// also on the host.
#pragma once

#include "boot/acpi/entries.hpp"

namespace percival::boot::acpi {

// Moves the threads of a core behind its first one; other CPUs keep their order. So they are neighbours for
// those who look at neighbours only (kernel/probes/cpu_pairs.hpp). `uids` have the order that the CPUs have
// before. The boot CPU is the first already, or it would be taken out of its core later
// (move_boot_cpu_first()). What is wrong is noted and left out: these CPUs stay where they are.
void put_threads_together(TableBytes pptt, MachineDescription& machine, const Uids& uids, Notes notes);

} // namespace percival::boot::acpi
