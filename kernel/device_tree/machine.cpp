// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/machine.hpp"

namespace percival {
namespace {

constinit MachineDescription machine;

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
