// SPDX-License-Identifier: BSD-2-Clause
// System registers as types: a register is a value with typed fields, and only read() and write() contain
// assembly.
//
// A register type is declared as
//     struct Ttbr1 { PERCIVAL_SYSTEM_REGISTER(Ttbr1, "ttbr1_el1") using Cnp = Field<0>; … };
// and used as  Ttbr1::read().get<Ttbr1::Cnp>()  or  Ttbr1{}.with<Ttbr1::Cnp>(0).write().
//
// read() is volatile assembly, because registers change. Registers that never change on a CPU (ID registers)
// are read rarely enough not to need another form. write() has no barrier: the caller adds the ISB where it
// relies on the effect (Arm ARM D24.1.2.2, synchronization requirements for AArch64 System registers).
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

#define PERCIVAL_SYSTEM_REGISTER(Type, name)                      \
    ::percival::u64 raw{0};                                       \
    static constexpr const char* register_name()                  \
    {                                                             \
        return name;                                              \
    }                                                             \
    static Type read()                                            \
    {                                                             \
        ::percival::u64 value;                                    \
        asm volatile("mrs %0, " name : "=r"(value));              \
        return Type{value};                                       \
    }                                                             \
    void write() const                                            \
    {                                                             \
        asm volatile("msr " name ", %0" : : "r"(raw) : "memory"); \
    }                                                             \
    template <class F>                                            \
    constexpr ::percival::u64 get() const                         \
    {                                                             \
        return F::of(raw);                                        \
    }                                                             \
    template <class F>                                            \
    constexpr Type with(::percival::u64 value) const              \
    {                                                             \
        return Type{F::in(raw, value)};                           \
    }
