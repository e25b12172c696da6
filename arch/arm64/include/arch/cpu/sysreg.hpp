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

#include "arch/cpu/field.hpp"
#include "kernel/lib/types.hpp"

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
