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
#include "arch/cpu/level_site.hpp"
#include "kernel/lib/types.hpp"

#define PERCIVAL_SYSTEM_REGISTER(Type, name) \
    PERCIVAL_SYSTEM_REGISTER_BY(Type, name, "mrs %0, " name, "msr " name ", %0")

// A register that has another name at an exception level, on the condition of arch/cpu/level_site.hpp.
#define PERCIVAL_SYSTEM_REGISTER_OF_LEVEL(Type, name, condition, other)                            \
    PERCIVAL_SYSTEM_REGISTER_BY(Type, name,                                                        \
                                PERCIVAL_LEVEL_SITE(condition, "mrs %0, " name, "mrs %0, " other), \
                                PERCIVAL_LEVEL_SITE(condition, "msr " name ", %0", "msr " other ", %0"))

#define PERCIVAL_SYSTEM_REGISTER_BY(Type, name, mrs, msr) \
    ::percival::u64 raw{0};                               \
    static constexpr const char* register_name()          \
    {                                                     \
        return name;                                      \
    }                                                     \
    static Type read()                                    \
    {                                                     \
        ::percival::u64 value;                            \
        asm volatile(mrs : "=r"(value));                  \
        return Type{value};                               \
    }                                                     \
    void write() const                                    \
    {                                                     \
        asm volatile(msr : : "r"(raw) : "memory");        \
    }                                                     \
    template <class F>                                    \
    constexpr ::percival::u64 get() const                 \
    {                                                     \
        return F::of(raw);                                \
    }                                                     \
    template <class F>                                    \
    constexpr Type with(::percival::u64 value) const      \
    {                                                     \
        return Type{F::in(raw, value)};                   \
    }
