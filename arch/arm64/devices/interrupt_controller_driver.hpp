// SPDX-License-Identifier: BSD-2-Clause
// The interface of a driver of an interrupt controller: the functions of
// arch/devices/interrupt_controller.hpp for one kind of controller, in the same contexts.
// interrupt_controller.cpp chooses the driver once, at boot.
//
// Invariants: no driver uses per-CPU data, so a CPU can take and end an interrupt while its per-CPU data is
// unusable. Only a CPU itself writes its entry in a driver's table, in init_cpu(), before other CPUs send to
// it.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "arch/devices/interrupt_controller.hpp"

namespace percival::arch {

using InterruptControllerResult = std::expected<void, std::string_view>;

class InterruptControllerDriver {
public:
    virtual InterruptControllerResult init(const InterruptControllerDescription& controller,
                                           const InterruptControllerRegisters& registers) = 0;
    virtual InterruptControllerResult init_cpu(CpuId self, u64 mpidr) = 0;
    virtual void leave_cpu() = 0;
    virtual void enable_private(u32 intid) = 0;
    virtual void disable_private(u32 intid) = 0;
    virtual PrivateInterruptState private_state(u32 intid) = 0;
    virtual Acknowledged acknowledge() = 0;
    virtual void complete(Acknowledged interrupt) = 0;
    virtual void send(CpuId target, Ipi ipi) = 0;
    virtual void wake_parked(u64, u32) {} // ACPI parks CPUs, and describes GICs only
    virtual std::string_view name() const = 0;

protected:
    constexpr InterruptControllerDriver() = default;
    ~InterruptControllerDriver() = default;
};

InterruptControllerDriver& gic_v2_driver();
InterruptControllerDriver& gic_v3_driver();
InterruptControllerDriver& bcm2836_driver();

// Returns the bit of an IPI: in a GIC's enable register that of its SGI, in a mailbox of the BCM2836 its own.
constexpr u32 ipi_bit(Ipi ipi)
{
    return u32{1} << static_cast<unsigned>(ipi);
}
inline constexpr u32 kIpiBits = ipi_bit(Ipi::Call) | ipi_bit(Ipi::Backtrace) | ipi_bit(Ipi::Stop) |
                                ipi_bit(Ipi::Reschedule) | ipi_bit(Ipi::Quiesce);

} // namespace percival::arch
