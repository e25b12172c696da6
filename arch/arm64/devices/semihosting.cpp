// SPDX-License-Identifier: BSD-2-Clause
// The only semihosting call that Percival makes: SYS_EXIT_EXTENDED (Arm "Semihosting for AArch32 and
// AArch64").
#include "arch/cpu/processor.hpp"
#include "arch/devices/power.hpp"

#include <array>

namespace percival::arch {

void semihosting_exit(u32 status)
{
    constexpr u64 kSysExitExtended = 0x20;
    constexpr u64 kApplicationExit = 0x2'0026; // ADP_Stopped_ApplicationExit
    const std::array<u64, 2> block{kApplicationExit, status};
    register u64 operation asm("x0") = kSysExitExtended;
    register const u64* parameter asm("x1") = block.data();
    asm volatile("hlt #0xf000" : "+r"(operation) : "r"(parameter) : "memory");
    stop();
}

} // namespace percival::arch
