// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/devices/psci.hpp"

namespace percival::arch {
namespace {

// Function numbers (DEN 0022F). The 64-bit forms where they exist, because entry and context have 64 bits.
constexpr u32 kPsciVersion = 0x8400'0000;
constexpr u32 kCpuOff = 0x8400'0002;
constexpr u32 kAffinityInfo = 0xc400'0004;
constexpr u32 kCpuOn = 0xc400'0003;
constexpr u32 kSystemOff = 0x8400'0008;

constexpr s32 kVersion0Point2 = 2;
constexpr s32 kOff = 1; // result of AFFINITY_INFO

// Returns the console message for an error of CPU_ON (DEN 0022F, "Return error codes").
std::string_view sentence(s32 error)
{
    switch (error) {
    case -1:
        return "PSCI CPU_ON: not supported by the firmware";
    case -2:
        return "PSCI CPU_ON: invalid parameters, the firmware knows no CPU with this MPIDR";
    case -3:
        return "PSCI CPU_ON: denied by the firmware";
    case -4:
        return "PSCI CPU_ON: the CPU is already on";
    case -5:
        return "PSCI CPU_ON: an earlier request to turn this CPU on is still pending";
    case -6:
        return "PSCI CPU_ON: internal failure in the firmware";
    case -7:
        return "PSCI CPU_ON: the CPU is not present";
    case -8:
        return "PSCI CPU_ON: the CPU is disabled";
    case -9:
        return "PSCI CPU_ON: the firmware rejects the entry address";
    default:
        return "PSCI CPU_ON: an error code that PSCI does not define";
    }
}

} // namespace

s32 Psci::call(u32 function, u64 argument1, u64 argument2, u64 argument3) const
{
    // SMC Calling Convention (DEN 0028): x0 to x3 are arguments and results. Before version 1.1 of the
    // convention the callee may change x4 to x17 too.
#define PERCIVAL_SMCCC_CLOBBERS \
    "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"
    register u64 x0 asm("x0") = function;
    register u64 x1 asm("x1") = argument1;
    register u64 x2 asm("x2") = argument2;
    register u64 x3 asm("x3") = argument3;
    switch (conduit_) {
    case PsciConduit::None:
        return -1;
    case PsciConduit::Hvc:
        asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PERCIVAL_SMCCC_CLOBBERS);
        break;
    case PsciConduit::Smc:
        asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PERCIVAL_SMCCC_CLOBBERS);
        break;
    }
#undef PERCIVAL_SMCCC_CLOBBERS
    return static_cast<s32>(x0);
}

bool Psci::is_usable() const
{
    return is_v01() || call(kPsciVersion) >= kVersion0Point2; // an error is negative
}

std::expected<void, std::string_view> Psci::cpu_on(u64 mpidr, PhysAddr entry, u64 context) const
{
    const u32 function = is_v01() ? v01_cpu_on_ : kCpuOn;
    if (const s32 result = call(function, mpidr, entry.raw(), context); result != 0)
        return std::unexpected{sentence(result)};
    return {};
}

void Psci::cpu_off() const
{
    call(kCpuOff);
}

bool Psci::is_off(u64 mpidr) const
{
    return call(kAffinityInfo, mpidr, 0) == kOff;
}

void Psci::system_off() const
{
    call(kSystemOff);
}

} // namespace percival::arch
