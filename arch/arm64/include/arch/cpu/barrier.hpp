// SPDX-License-Identifier: BSD-2-Clause
// Barriers that take their shareability domain and access type as template arguments. Every call site says
// which write it orders before which reader. Any context.
#pragma once

namespace percival::arch {

// The values are those of the instruction encoding. The option of a DMB or DSB has the shareability domain in
// bits 3:2 and the access type in bits 1:0 (Arm ARM C6.2, DMB). tests/boot/test_barriers.py disassembles
// every combination.
enum class Shareability : unsigned {
    OuterShareable = 0,
    NonShareable = 1,
    InnerShareable = 2,
    FullSystem = 3
};
enum class Access : unsigned { Load = 1, Store = 2, Any = 3 };

consteval unsigned barrier_option(Shareability shareability, Access access)
{
    return static_cast<unsigned>(shareability) << 2 | static_cast<unsigned>(access);
}

// Waits until earlier accesses of type A are complete. No later instruction executes before that. Only
// Access::Any waits for TLB invalidations and cache maintenance, too (Arm ARM B2.3).
template <Shareability S, Access A = Access::Any>
inline void dsb()
{
    asm volatile("dsb %0" : : "i"(barrier_option(S, A)) : "memory");
}

// Orders accesses: with Access::Any, earlier ones before later ones; with Store, earlier stores before later
// stores; with Load, earlier loads before later loads and stores (Arm ARM B2.3).
template <Shareability S, Access A = Access::Any>
inline void dmb()
{
    asm volatile("dmb %0" : : "i"(barrier_option(S, A)) : "memory");
}

// Makes earlier writes to System registers take effect, and lets later instructions be fetched only after
// that.
inline void isb()
{
    asm volatile("isb" ::: "memory");
}

// Make a DSB that follows wait for the writes of FEAT_SPE's samples, or of FEAT_TRBE's trace, of earlier
// instructions (Arm ARM D17.7, D6.5). NOPs on a CPU without the feature.
inline void psb_csync()
{
    asm volatile("hint #17" ::: "memory");
}
inline void tsb_csync()
{
    asm volatile("hint #18" ::: "memory");
}

} // namespace percival::arch
