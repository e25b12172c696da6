// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/devices/gic.hpp"

#include "arch/cpu/sysreg.hpp"

namespace percival::arch {

namespace gic {
namespace {

constexpr u32 kDistributorType = 0x004;
using InterruptLines = Field<4, 0>; // n: the highest INTID is 32 * (n + 1) - 1, at most 1019

} // namespace

void disable_shared_interrupts(Mmio distributor)
{
    const u32 words = static_cast<u32>(InterruptLines::of(distributor.read32(kDistributorType))) + 1;
    for (u32 word = 1; word < words; ++word) {
        distributor.write32(kClearEnable + 4 * word, ~u32{0});
        distributor.write32(kClearActive + 4 * word, ~u32{0});
    }
}

void reset_private_interrupts(Mmio registers, u32 group)
{
    registers.write32(kClearEnable, ~u32{0});
    registers.write32(kClearActive, ~u32{0});
    registers.write32(kGroup, group);
    for (u32 intid = 0; intid < kPrivateInterrupts; intid += 4)
        registers.write32(kPriorities + intid, kFourPriorities);
    // Make INTIDs 16 to 31 level-sensitive, as the architecture's private interrupts are (timers, PMU).
    registers.write32(kConfiguration + 4, 0);
    registers.write32(kSetEnable, kIpis);
}

} // namespace gic

namespace {

constinit Gic* controller{nullptr};

} // namespace

GicResult interrupt_controller_init(const GicDescription& gic, const GicRegisters& registers)
{
    controller = gic.version == GicDescription::Version::V3 ? &gic_v3_driver() : &gic_v2_driver();
    return controller->init(gic, registers);
}

GicResult interrupt_controller_init_cpu(CpuId self, u64 mpidr)
{
    return controller->init_cpu(self, mpidr);
}

void interrupt_controller_leave_cpu()
{
    controller->leave_cpu();
}

void enable_private_interrupt(u32 intid)
{
    controller->enable_private(intid);
}

void disable_private_interrupt(u32 intid)
{
    controller->disable_private(intid);
}

Acknowledged acknowledge_interrupt()
{
    return controller->acknowledge();
}

void complete_interrupt(Acknowledged interrupt)
{
    controller->complete(interrupt);
}

void send_ipi(CpuId target, Ipi ipi)
{
    controller->send(target, ipi);
}

std::string_view interrupt_controller_name()
{
    return controller->name();
}

} // namespace percival::arch
