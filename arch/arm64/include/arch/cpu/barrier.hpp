// SPDX-License-Identifier: BSD-2-Clause
// Barriers with their scope and access type as types. Every call site says which write is ordered before
// which reader. Any context.
#pragma once

namespace percival::arch {

enum class Shareability { NonShareable, InnerShareable, FullSystem };
enum class Access { Any, Store, Load };

template <Shareability S, Access A = Access::Any>
inline void dsb()
{
    if constexpr (S == Shareability::NonShareable && A == Access::Any)
        asm volatile("dsb nsh" ::: "memory");
    else if constexpr (S == Shareability::NonShareable && A == Access::Store)
        asm volatile("dsb nshst" ::: "memory");
    else if constexpr (S == Shareability::InnerShareable && A == Access::Any)
        asm volatile("dsb ish" ::: "memory");
    else if constexpr (S == Shareability::InnerShareable && A == Access::Store)
        asm volatile("dsb ishst" ::: "memory");
    else if constexpr (S == Shareability::FullSystem && A == Access::Any)
        asm volatile("dsb sy" ::: "memory");
    else
        static_assert(S == Shareability::FullSystem && A == Access::Store, "no DSB of this kind is used");
}

template <Shareability S, Access A = Access::Any>
inline void dmb()
{
    if constexpr (S == Shareability::InnerShareable && A == Access::Any)
        asm volatile("dmb ish" ::: "memory");
    else if constexpr (S == Shareability::InnerShareable && A == Access::Store)
        asm volatile("dmb ishst" ::: "memory");
    else if constexpr (S == Shareability::FullSystem && A == Access::Any)
        asm volatile("dmb sy" ::: "memory");
    else if constexpr (S == Shareability::FullSystem && A == Access::Store)
        asm volatile("dmb st" ::: "memory");
    else
        static_assert(S == Shareability::InnerShareable && A == Access::Load, "no DMB of this kind is used");
}

// Later instructions are fetched, and System registers take effect, after this point.
inline void isb()
{
    asm volatile("isb" ::: "memory");
}

} // namespace percival::arch
