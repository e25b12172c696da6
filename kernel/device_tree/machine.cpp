// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/machine.hpp"

#include "linker/ro_after_init.hpp"

namespace percival {
namespace {

PERCIVAL_RO_AFTER_INIT constinit MachineDescription machine;

} // namespace

const MachineDescription& this_machine()
{
    return machine;
}

MachineDescription& machine_to_describe()
{
    return machine;
}

} // namespace percival
