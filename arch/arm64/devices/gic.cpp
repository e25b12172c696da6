// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/devices/gic.hpp"

#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

namespace gic {
namespace {

constexpr u32 kDistributorType = 0x004;
using InterruptLines = Field<4, 0>; // n: the highest INTID is 32 * (n + 1) - 1, at most 1019

} // namespace

void quiet_interrupts(Mmio registers, StateRegisters at, u32 first, u32 end)
{
    for (u32 word = first; word < end; ++word) {
        registers.write32(at.clear_enable + 4 * word, ~u32{0});
        registers.write32(at.clear_active + 4 * word, ~u32{0});
        registers.write32(at.clear_pending + 4 * word, ~u32{0});
    }
}

void quiet_shared_interrupts(Mmio distributor)
{
    const u32 words = static_cast<u32>(InterruptLines::of(distributor.read32(kDistributorType))) + 1;
    quiet_interrupts(distributor, kStates, 1, words);
}

InterruptControllerResult set_up_private_interrupts(Mmio registers, u32 group)
{
    registers.write32(kGroup, group);
    for (u32 intid = 0; intid < kPrivateInterrupts; intid += 4)
        registers.write32(kPriorities + intid, kFourPriorities);
    // Make INTIDs 16 to 31 level-sensitive, as the architecture's private interrupts are (timers, PMU).
    registers.write32(kConfiguration + 4, 0);
    registers.write32(kSetEnable, kIpiBits);
    // An interrupt that the firmware keeps for itself (in Group 0 of two security states) reads as zero and
    // ignores writes.
    if ((registers.read32(kSetEnable) & kIpiBits) != kIpiBits)
        return std::unexpected{"the GIC accepts no enable of the kernel's SGIs: the firmware has left them "
                               "in Group 0"};
    return {};
}

PrivateInterruptState private_state(Mmio registers, u32 intid)
{
    const auto bit = [=](u32 offset) { return (registers.read32(offset) >> intid & 1) != 0; };
    return {.enabled = bit(kSetEnable),
            .pending = bit(kSetPending),
            .active = bit(kSetActive),
            .in_group_1 = bit(kGroup)};
}

} // namespace gic

} // namespace percival::arch
