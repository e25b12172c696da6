// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/devices/psci.hpp"

#include "arch/arm64/devices/smccc.hpp"

namespace percival::arch {
namespace {

// Function numbers (DEN 0022F). The 64-bit forms where they exist, because entry and context have 64 bits.
constexpr u32 kPsciVersion = 0x8400'0000;
constexpr u32 kCpuOff = 0x8400'0002;
constexpr u32 kAffinityInfo = 0xc400'0004;
constexpr u32 kCpuOn = 0xc400'0003;
constexpr u32 kMigrateInfoType = 0x8400'0006;
constexpr u32 kMigrateInfoUpCpu = 0xc400'0007;
constexpr u32 kSystemOff = 0x8400'0008;
constexpr u32 kSystemReset = 0x8400'0009;
constexpr u32 kPsciFeatures = 0x8400'000a;
constexpr u32 kSystemReset2 = 0xc400'0012;

constexpr s32 kVersion0Point2 = 2;
constexpr s32 kOff = 1; // result of AFFINITY_INFO
// Results of MIGRATE_INFO_TYPE: there is a Trusted OS, and it runs on one CPU. Others mean that no CPU is
// special.
constexpr s32 kOneCpuMigrates = 0;
constexpr s32 kOneCpuStays = 1;

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

u64 Psci::call(u32 function, u64 argument1, u64 argument2, u64 argument3) const
{
    return call_firmware(conduit_, function, argument1, argument2, argument3);
}

s32 Psci::status(u32 function, u64 argument1, u64 argument2, u64 argument3) const
{
    return static_cast<s32>(call(function, argument1, argument2, argument3));
}

bool Psci::is_usable() const
{
    return is_v01() || status(kPsciVersion) >= kVersion0Point2; // an error is negative
}

std::expected<void, std::string_view> Psci::cpu_on(u64 mpidr, PhysAddr entry, u64 context) const
{
    const u32 function = is_v01() ? v01_cpu_on_ : kCpuOn;
    if (const s32 result = status(function, mpidr, entry.raw(), context); result != 0)
        return std::unexpected{sentence(result)};
    return {};
}

void Psci::cpu_off() const
{
    call(kCpuOff);
}

bool Psci::is_off(u64 mpidr) const
{
    return status(kAffinityInfo, mpidr, 0) == kOff;
}

std::optional<u64> Psci::trusted_os_cpu() const
{
    const s32 type = status(kMigrateInfoType);
    if (type != kOneCpuMigrates && type != kOneCpuStays)
        return {};
    const u64 cpu = call(kMigrateInfoUpCpu);
    if (static_cast<s64>(cpu) < 0) // an error
        return {};
    return cpu & kMpidrAffinity; // some firmware returns all of MPIDR_EL1
}

void Psci::system_off() const
{
    call(kSystemOff);
}

void Psci::system_reset() const
{
    constexpr u64 kWarmReset = 0; // the only kind of SYSTEM_RESET2 that the architecture defines
    call(kSystemReset);
    // Firmware before 1.0 answers that PSCI_FEATURES itself is not supported.
    if (status(kPsciFeatures, kSystemReset2) >= 0)
        call(kSystemReset2, kWarmReset);
}

} // namespace percival::arch
