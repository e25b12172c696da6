// SPDX-License-Identifier: BSD-2-Clause
// The contract between the page-table engine and an architecture's descriptor format.
//
// Invariants:
// * The all-zero descriptor is invalid, so that a zeroed page is an empty table.
// INV-pte_format-1: while output addresses stay within one naturally aligned kLinearOutput, the raw values of
//     leaves of one level and one set of attributes differ by exactly as much as their addresses. The engine
//     fills tables by addition.
#pragma once

#include "mm/address_space/geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <concepts>

namespace percival::mm {

enum class PteKind : u8 { Invalid, Table, Leaf };

// Address bits 48 and up may be anywhere in a descriptor (Arm ARM D8.3.1: 52-bit output addresses).
inline constexpr Bytes kLinearOutput = 256_TiB;

// A descriptor is a 64-bit value. A Leaf is a block above the last level and a page at the last level; leaf()
// encodes the one that `level` asks for. The result of leaf() does not have the contiguous hint.
//
// kept() turns a leaf into an Invalid descriptor that is not all zero and keeps everything about the leaf,
// the hint included. restored() turns it back, and keeps_leaf() tells such a descriptor from all other
// invalid ones (mm/set_memory/memory_editor.hpp).
template <class P>
concept PteFormat = requires(P pte, u64 raw, PhysAddr address, Level level, Attributes attributes) {
    { P{} } -> std::same_as<P>; // invalid
    { P{raw} } -> std::same_as<P>;
    { P::table(address) } -> std::same_as<P>;
    { P::leaf(address, level, attributes) } -> std::same_as<P>;
    { pte.kind(level) } -> std::same_as<PteKind>;
    { pte.address() } -> std::same_as<PhysAddr>;
    { pte.attributes() } -> std::same_as<Attributes>;
    { pte.rights() } -> std::same_as<Rights>;
    { pte.is_contiguous() } -> std::same_as<bool>;
    { pte.with_contiguous(true) } -> std::same_as<P>;
    { pte.kept() } -> std::same_as<P>;
    { pte.restored() } -> std::same_as<P>;
    { pte.keeps_leaf() } -> std::same_as<bool>;
    { pte.raw() } -> std::same_as<u64>;
    { pte == pte } -> std::same_as<bool>;
} && sizeof(P) == 8;

} // namespace percival::mm
