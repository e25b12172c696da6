// SPDX-License-Identifier: BSD-2-Clause
// The semihosting calls that Percival makes: SYS_WRITE0 and SYS_EXIT_EXTENDED (Arm "Semihosting for AArch32
// and AArch64").
#include "arch/devices/semihosting.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/power.hpp"

#include <algorithm>
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

void semihosting_write_line(std::string_view line)
{
    constexpr u64 kSysWrite0 = 0x04;
    std::array<char, 257> text{}; // ends with 0
    const std::size_t size = std::min(line.size(), text.size() - 2);
    std::copy_n(line.begin(), size, text.begin());
    text[size] = '\n';
    register u64 operation asm("x0") = kSysWrite0;
    register const char* parameter asm("x1") = text.data();
    asm volatile("hlt #0xf000" : "+r"(operation) : "r"(parameter) : "memory");
}

} // namespace percival::arch
