// SPDX-License-Identifier: BSD-2-Clause
// The check that the this_cpu operations make by hand in a build with a shadow of percpu memory. The compiler
// instruments loads and stores of C++, but not those of an asm statement. In other builds the check is
// nothing.
//
// The thread stays on its CPU from the check to the end of the operation. Otherwise the operation could act
// on another copy than the one that was checked and noted as written.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/options/percpu_shadow.hpp"

namespace percival::arch {

enum class PercpuAccess : u8 {
    Load,
    Store,
    Update, // reads the old value and writes a new one
};

// Keeps the thread on its CPU, and checks the access to `size` bytes at the local address `local`. A read of
// bytes that were never written is a finding. Any context. Defined in mm/percpu_shadow/this_cpu.cpp.
void begin_shadowed_operation(u64 local, u64 size, PercpuAccess access);
// Lets the thread move again, and makes a switch that became due meanwhile. Any context.
void end_shadowed_operation();

// Lives as long as the operation on the `size` bytes at the local address `target`.
class ShadowedOperation {
public:
    [[gnu::always_inline]] ShadowedOperation([[maybe_unused]] const volatile void* target,
                                             [[maybe_unused]] u64 size, [[maybe_unused]] PercpuAccess access)
    {
        if constexpr (kPercpuShadow)
            begin_shadowed_operation(reinterpret_cast<u64>(target), size, access); // SAFETY: only the address
    }
    [[gnu::always_inline]] ~ShadowedOperation()
    {
        if constexpr (kPercpuShadow)
            end_shadowed_operation();
    }
    ShadowedOperation(const ShadowedOperation&) = delete;
    ShadowedOperation& operator=(const ShadowedOperation&) = delete;
};

} // namespace percival::arch
