// SPDX-License-Identifier: BSD-2-Clause
// The contract between the page-table engine and an architecture's descriptor format.
#pragma once

#include "mm/geometry.hpp"
#include "mm/mapping.hpp"

#include <concepts>

namespace percival::mm {

enum class PteKind : u8 { Invalid, Table, Leaf };

// A descriptor is a 64-bit value. Leaf is a block above the last level and a page on it; which of the two is encoded by
// the format from the level.
template <class P>
concept PteFormat = requires(P pte, PhysAddr address, Level level, Attributes attributes) {
    { P{} } -> std::same_as<P>; // invalid
    { P::table(address) } -> std::same_as<P>;
    { P::leaf(address, level, attributes) } -> std::same_as<P>;
    { pte.kind(level) } -> std::same_as<PteKind>;
    { pte.address() } -> std::same_as<PhysAddr>;
    { pte.attributes() } -> std::same_as<Attributes>;
    { pte.raw() } -> std::same_as<u64>;
    { pte == pte } -> std::same_as<bool>;
} && sizeof(P) == 8;

} // namespace percival::mm
