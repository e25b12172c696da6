// SPDX-License-Identifier: BSD-2-Clause
// Reads from SRAT which memory and which CPUs are on which NUMA node (ACPI Specification 6.5, 5.2.16). Boot
// only; also on the host.
#pragma once

#include "boot/acpi/entries.hpp"

namespace percival::boot::acpi {

// Adds the memory that SRAT has, and fills in the nodes of the CPUs. A proximity domain is the node of that
// number. What is wrong is noted and left out: it is on node 0 then.
void read_srat(TableBytes srat, MachineDescription& machine, const Uids& uids, Notes notes);

} // namespace percival::boot::acpi
