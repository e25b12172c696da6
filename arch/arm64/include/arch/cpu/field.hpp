// SPDX-License-Identifier: BSD-2-Clause
// A field of a register, as a type.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::arch {

// Bits [High:Low] of a register.
template <unsigned High, unsigned Low = High>
struct Field {
    static_assert(Low <= High && High < 64);
    static constexpr unsigned kWidth = High - Low + 1;
    static constexpr u64 kMax = kWidth == 64 ? ~u64{0} : (u64{1} << (kWidth % 64)) - 1;
    static constexpr u64 kMask = kMax << Low;
    static constexpr u64 of(u64 raw) { return (raw & kMask) >> Low; }
    static constexpr u64 in(u64 raw, u64 value) { return (raw & ~kMask) | ((value << Low) & kMask); }
};

// Returns bits [High:Low] as a signed number, for ID register fields in which 0b1111 means "not implemented"
// (Arm ARM D24.1.3, principles of the ID scheme).
template <unsigned High, unsigned Low>
constexpr s64 signed_field(u64 raw)
{
    return static_cast<s64>(raw << (63 - High)) >> (63 - High + Low);
}

} // namespace percival::arch
