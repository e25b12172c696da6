// SPDX-License-Identifier: BSD-2-Clause
// Driver of the GICv2 (Arm IHI 0048B): a distributor, whose first registers are banked for each CPU, and a
// memory-mapped CPU interface. A GICv2 serves at most eight CPUs.
//
// Works with and without the Security Extensions. Bit 0 of either control register enables Group 0 if there
// is one security state, and Group 1 in the non-secure view. The driver puts the interrupts into that group.
#include "arch/arm64/devices/gic.hpp"
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/sysreg.hpp"

#include <array>

namespace percival::arch {
namespace {

constexpr std::size_t kMaxTargets = 8; // CPUs that a GICv2 serves

// Distributor.
constexpr u32 kDistributorControl = 0x000;
constexpr u32 kTargets = 0x800;
constexpr u32 kSendSgi = 0xf00;
constexpr u32 kClearPendingSgis = 0xf10; // four words, a byte for each SGI and in it a bit for each sender
constexpr Bytes kDistributorSize = 4_KiB;
// CPU interface.
constexpr u32 kControl = 0x00;
constexpr u32 kPriorityMaskRegister = 0x04;
constexpr u32 kBinaryPoint = 0x08;
constexpr u32 kAcknowledge = 0x0c;
constexpr u32 kEndOfInterrupt = 0x10;
constexpr u32 kActivePriorities = 0xd0; // four words
constexpr Bytes kCpuInterfaceSize{0x100};

constexpr u32 kEnable = 1;
// GICC_CTLR bits 8:5, which control interrupts that bypass the GIC. The driver keeps the firmware's choice.
constexpr u32 kBypass = 0x1e0;

using AcknowledgedId = Field<9, 0>; // bits 12:10 above it are the sender of an SGI
using SgiToList = Field<23, 16>;
constexpr u32 kSgiToSelf = 2u << 24;

class GicV2 final : public InterruptControllerDriver {
public:
    InterruptControllerResult init(const InterruptControllerDescription& gic,
                                   const InterruptControllerRegisters& registers) override;
    InterruptControllerResult init_cpu(CpuId self, u64 mpidr) override;
    void leave_cpu() override;
    void enable_private(u32 intid) override { distributor_.write32(gic::kSetEnable, u32{1} << intid); }
    void disable_private(u32 intid) override { distributor_.write32(gic::kClearEnable, u32{1} << intid); }
    PrivateInterruptState private_state(u32 intid) override
    {
        return gic::private_state(distributor_, intid);
    }
    Acknowledged acknowledge() override;
    void complete(Acknowledged interrupt) override { cpu_interface_.write32(kEndOfInterrupt, interrupt.raw); }
    void send(CpuId target, Ipi ipi) override;
    void wake_parked(u64 mpidr, u32 cpu_interface) override;
    std::string_view name() const override { return name_of(InterruptControllerKind::GicV2); }

private:
    // Writes GICD_SGIR.
    void send_sgi(u32 value)
    {
        // The target's handler must see the stores that this CPU made before it sends the interrupt.
        dsb<Shareability::InnerShareable, Access::Store>();
        distributor_.write32(kSendSgi, value);
    }

    Mmio distributor_{};
    Mmio cpu_interface_{};
    std::array<u32, kMaxTargets> sgi_target_{}; // the target fields of GICD_SGIR that reach a CPU
};

InterruptControllerResult GicV2::init(const InterruptControllerDescription& gic,
                                      const InterruptControllerRegisters& registers)
{
    if (gic.distributor.size < kDistributorSize)
        return std::unexpected{"the device tree's GICv2 distributor has less than 4 KiB of registers"};
    if (gic.cpu_interface.size < kCpuInterfaceSize)
        return std::unexpected{"the device tree's GICv2 CPU interface has less than 256 bytes of registers"};
    distributor_ = registers.distributor;
    cpu_interface_ = registers.cpu_interface;

    distributor_.write32(kDistributorControl, 0);
    gic::quiet_shared_interrupts(distributor_);
    distributor_.write32(kDistributorControl, kEnable);
    return {};
}

// Returns the bit of the calling CPU in target fields. A CPU reads its own bit as the target of each private
// interrupt, and zero as that of an interrupt that is not implemented. All are zero if there is no other CPU
// (IHI 0048B 4.3.12).
u32 own_target(Mmio distributor)
{
    u32 four_targets = 0;
    for (u32 intid = 0; intid < gic::kPrivateInterrupts; intid += 4)
        four_targets |= distributor.read32(kTargets + intid);
    return (four_targets | four_targets >> 8 | four_targets >> 16 | four_targets >> 24) & 0xff;
}

InterruptControllerResult GicV2::init_cpu(CpuId self, u64)
{
    if (self.index() >= kMaxTargets)
        return std::unexpected{"a GICv2 serves eight CPUs, this one is beyond them"};
    const u32 own_bit = own_target(distributor_);
    sgi_target_[self.index()] = own_bit != 0 ? static_cast<u32>(SgiToList::in(0, own_bit)) : kSgiToSelf;

    gic::quiet_interrupts(distributor_, gic::kStates, 0, 1);
    // GICD_ICPENDR0 ignores writes to the bits of the SGIs (IHI 0048B 4.3.8). Only what is pending is
    // written: a hypervisor may have the register for reads only (Xen).
    for (u32 word = 0; word < 4; ++word) {
        const u32 pending = distributor_.read32(kClearPendingSgis + 4 * word);
        if (pending != 0)
            distributor_.write32(kClearPendingSgis + 4 * word, pending);
    }
    if (const auto ready = gic::set_up_private_interrupts(distributor_, 0); !ready)
        return ready;

    const u32 bypass = cpu_interface_.read32(kControl) & kBypass;
    cpu_interface_.write32(kControl, bypass);
    for (u32 word = 0; word < 4; ++word)
        cpu_interface_.write32(kActivePriorities + 4 * word, 0);
    cpu_interface_.write32(kPriorityMaskRegister, gic::kPriorityMask);
    if (cpu_interface_.read32(kPriorityMaskRegister) <= gic::kPriority)
        return std::unexpected{gic::kMaskNotSet};
    cpu_interface_.write32(kBinaryPoint, 0);
    // EOImode stays 0, so that a write to EOIR drops the priority and deactivates the interrupt.
    cpu_interface_.write32(kControl, bypass | kEnable);
    return {};
}

void GicV2::leave_cpu()
{
    cpu_interface_.write32(kControl, cpu_interface_.read32(kControl) & kBypass);
}

Acknowledged GicV2::acknowledge()
{
    const u32 raw = cpu_interface_.read32(kAcknowledge);
    // The DSB completes the read before anything that the handler does, and the handler sees the sender's
    // stores.
    dsb<Shareability::FullSystem>();
    return {static_cast<u32>(AcknowledgedId::of(raw)), raw};
}

void GicV2::send(CpuId target, Ipi ipi)
{
    send_sgi(sgi_target_[target.index()] | static_cast<u32>(ipi));
}

void GicV2::wake_parked(u64, u32 cpu_interface)
{
    if (cpu_interface < kMaxTargets)
        send_sgi(static_cast<u32>(SgiToList::in(0, u32{1} << cpu_interface)));
}

constinit GicV2 driver;

} // namespace

InterruptControllerDriver& gic_v2_driver()
{
    return driver;
}

} // namespace percival::arch
