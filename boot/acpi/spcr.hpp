// SPDX-License-Identifier: BSD-2-Clause
// Reads the console from SPCR (Microsoft's specification of that table; its kinds of ports are those of the
// one of DBG2). Boot only; also on the host.
#pragma once

#include "boot/acpi/entries.hpp"

namespace percival::boot::acpi {

// Fills in the console; notes why there is none.
void read_spcr(TableBytes spcr, MachineDescription& machine, Notes notes);

} // namespace percival::boot::acpi
