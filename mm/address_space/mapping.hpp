// SPDX-License-Identifier: BSD-2-Clause
// The properties of a mapping, in terms that every architecture has.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::mm {

// No value is both writable and executable, so no caller can ask for a mapping that violates W^X.
enum class Protection : u8 { ReadOnly, ReadWrite, ReadExecute };

enum class MemoryType : u8 {
    Normal, // write-back, inner shareable: all RAM, and the same for every alias of it
    Device, // no gathering, no reordering, early write acknowledgement (Device-nGnRE)
};

struct Attributes {
    Protection protection{Protection::ReadOnly};
    MemoryType memory{MemoryType::Normal};
    friend constexpr bool operator==(Attributes, Attributes) = default;
};

// The rights that a descriptor grants, bit by bit. Wider than Attributes, to describe a wrong descriptor too.
struct Rights {
    bool writable{false};
    bool executable{false};
    bool user{false}; // unprivileged code may read, write or execute
    friend constexpr bool operator==(Rights, Rights) = default;
};

inline constexpr Attributes kText{Protection::ReadExecute};
inline constexpr Attributes kReadOnlyData{Protection::ReadOnly};
inline constexpr Attributes kData{Protection::ReadWrite};
inline constexpr Attributes kDeviceRegisters{Protection::ReadWrite, MemoryType::Device};

// The sizes of leaves that a mapping may use.
enum class Leaves : u8 {
    Largest, // blocks and the contiguous hint wherever alignment allows
    Pages,   // single pages, so that one page's protection can change later without break-before-make
};

// Whether other roots may rely on the lower tables of a range.
enum class Tables : u8 {
    Shared,  // several roots link to the tables: they stay for good, empty or not
    Private, // only this root links to the tables: an empty one is freed
};

enum class MapError : u8 {
    NoMemory,      // a table could not be allocated
    AlreadyMapped, // a valid entry is in the way: mapping over one is refused
    NotMapped,     // protect() or unmap() met a hole
    Misaligned,    // an address or the size is not a multiple of the granule
};

} // namespace percival::mm
