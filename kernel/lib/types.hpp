// SPDX-License-Identifier: BSD-2-Clause
// Short names for the fixed-width integers, and the strong types that every layer shares.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace percival {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;

// The largest number of CPUs that one image can drive. It sizes the address space of the global percpu area,
// not memory.
inline constexpr u32 kMaxCpus = 512;

// A logical CPU number. 0 is the boot CPU; the others follow the order of the device tree. Never an MPIDR.
class CpuId {
public:
    constexpr CpuId() = default;
    constexpr explicit CpuId(u32 index) : index_{index} {}
    constexpr u32 index() const { return index_; }
    friend constexpr auto operator<=>(CpuId, CpuId) = default;

private:
    u32 index_{0};
};

inline constexpr CpuId kBootCpu{0};

// Base of classes whose objects can be neither copied nor moved.
class Immovable {
public:
    Immovable(const Immovable&) = delete;
    Immovable& operator=(const Immovable&) = delete;

protected:
    constexpr Immovable() = default;
    ~Immovable() = default;
};

} // namespace percival
