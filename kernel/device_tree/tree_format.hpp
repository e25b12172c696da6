// SPDX-License-Identifier: BSD-2-Clause
// The format of a flattened device tree (Devicetree Specification 0.4, 5.2 and 5.4.1).
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::device_tree {

// The words of the header, by number. All words are big-endian.
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

inline constexpr u32 kMagic = 0xd00d'feed;
inline constexpr u32 kVersion = 17; // with the sizes of both blocks in the header
inline constexpr u32 kLastCompatible = 16;

// Tokens of the structure block.
inline constexpr u32 kBeginNode = 1;
inline constexpr u32 kEndNode = 2;
inline constexpr u32 kProperty = 3;
inline constexpr u32 kNothing = 4;
inline constexpr u32 kEnd = 9;

} // namespace percival::device_tree
