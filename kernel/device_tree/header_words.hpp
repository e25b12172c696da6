// SPDX-License-Identifier: BSD-2-Clause
// The big-endian words of a device tree's header (Devicetree Specification 0.4, 5.2), by number.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::device_tree {

enum HeaderWord : u8 {
    Magic,
    TotalSize,
    Structure,
    Strings,
    Reservations,
    Version,
    LastCompatible,
    BootCpu,
    StringsSize,
    StructureSize,
};

} // namespace percival::device_tree
