// SPDX-License-Identifier: BSD-2-Clause
// The host's version of arch/cpu/sysreg.hpp: the System registers of a model.
#pragma once

#include "arch/arm64/include/arch/cpu/field.hpp"
#include "arch/simulation/register_model.hpp"

// The host's kernel is at EL1.
#define PERCIVAL_SYSTEM_REGISTER_OF_LEVEL(Type, name, condition, other) PERCIVAL_SYSTEM_REGISTER(Type, name)

#define PERCIVAL_SYSTEM_REGISTER(Type, name)                              \
    ::percival::u64 raw{0};                                               \
    static constexpr const char* register_name()                          \
    {                                                                     \
        return name;                                                      \
    }                                                                     \
    static Type read()                                                    \
    {                                                                     \
        return Type{::percival::arch::register_model->read_system(name)}; \
    }                                                                     \
    void write() const                                                    \
    {                                                                     \
        ::percival::arch::register_model->write_system(name, raw);        \
    }                                                                     \
    template <class F>                                                    \
    constexpr ::percival::u64 get() const                                 \
    {                                                                     \
        return F::of(raw);                                                \
    }                                                                     \
    template <class F>                                                    \
    constexpr Type with(::percival::u64 value) const                      \
    {                                                                     \
        return Type{F::in(raw, value)};                                   \
    }
