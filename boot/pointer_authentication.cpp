// SPDX-License-Identifier: BSD-2-Clause
// Runs with the MMU off, so it is position independent (boot/cpu_setup.cpp).
#include "boot/pointer_authentication.hpp"

#include "arch/cpu/pointer_authentication.hpp"
#include "linker/ro_after_init.hpp"

namespace percival::boot {
namespace {

// The boot CPU makes the key once from the clock, long before there is a better source. The key is not secret
// from code that can read kernel memory; it only makes signed return addresses differ from boot to boot.
struct PointerAuthenticationKey {
    u64 low;
    u64 high;
};

// Secondary CPUs read the key with their caches off. The boot CPU writes it once, also with its caches off.
PERCIVAL_RO_AFTER_INIT constinit PointerAuthenticationKey kernel_key = {};

u64 clock()
{
    u64 ticks;
    asm volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}

// The finalizer of splitmix64: spreads the few changing bits of a clock over the whole word.
u64 spread(u64 value)
{
    value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9;
    value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11eb;
    return value ^ (value >> 31);
}

} // namespace

void make_pointer_authentication_key()
{
    if (!arch::has_pointer_authentication())
        return;
    kernel_key.low = spread(clock()) | 1;
    kernel_key.high = spread(kernel_key.low ^ clock());
}

bool set_pointer_authentication_key()
{
    if (kernel_key.low == 0 || !arch::has_pointer_authentication())
        return false;
    asm volatile("msr s3_0_c2_c1_0, %0" : : "r"(kernel_key.low));  // APIAKeyLo_EL1
    asm volatile("msr s3_0_c2_c1_1, %0" : : "r"(kernel_key.high)); // APIAKeyHi_EL1
    return true;
}

} // namespace percival::boot
