// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/interrupt_controller.hpp"

#include "arch/arm64/devices/interrupt_controller_driver.hpp"
#include "linker/ro_after_init.hpp"

namespace percival::arch {
namespace {

PERCIVAL_RO_AFTER_INIT constinit InterruptControllerDriver* controller{nullptr};

InterruptControllerDriver& driver_of(InterruptControllerKind kind)
{
    switch (kind) {
    case InterruptControllerKind::GicV2:
        return gic_v2_driver();
    case InterruptControllerKind::GicV3:
        break;
    case InterruptControllerKind::Bcm2836:
        return bcm2836_driver();
    }
    return gic_v3_driver();
}

} // namespace

InterruptControllerResult interrupt_controller_init(const InterruptControllerDescription& description,
                                                    const InterruptControllerRegisters& registers)
{
    controller = &driver_of(description.kind);
    return controller->init(description, registers);
}

InterruptControllerResult interrupt_controller_init_cpu(CpuId self, u64 mpidr)
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

PrivateInterruptState private_interrupt_state(u32 intid)
{
    return controller->private_state(intid);
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

void wake_parked_cpu(u64 mpidr, u32 cpu_interface)
{
    controller->wake_parked(mpidr, cpu_interface);
}

std::string_view interrupt_controller_name()
{
    return controller->name();
}

} // namespace percival::arch
