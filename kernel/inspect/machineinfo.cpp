// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/inspect/dumps.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/uart/uart_table.hpp"

namespace percival {
namespace {

std::string_view name_of(CpuStart start)
{
    switch (start) {
    case CpuStart::Psci:
        return "PSCI";
    case CpuStart::SpinTable:
        return "spin table";
    case CpuStart::Parking:
        return "parking protocol";
    case CpuStart::None:
        return "nothing";
    }
    return "";
}

void print_range(std::string_view what, PhysRange range)
{
    print("machineinfo: {}: {} to {}", what, range.base, range.end());
}

void print_memory(const MachineDescription& machine)
{
    for (const MemoryBank& bank : machine.memory)
        print("machineinfo: memory: {} to {}, node {}", bank.range.base, bank.range.end(), bank.numa_node);
    for (const Reservation& reservation : machine.reserved)
        print("machineinfo: reserved: {} to {}, {}", reservation.range.base, reservation.range.end(),
              reservation.no_map ? "not mapped" : "mapped");
}

void print_cpus(const MachineDescription& machine)
{
    for (const CpuDescription& cpu : machine.cpus)
        print("machineinfo: cpu: MPIDR {:x}, node {}, started by {}, at {}, number {}", cpu.mpidr,
              cpu.numa_node, name_of(cpu.start), cpu.release_address, cpu.parking_id);
    print("machineinfo: cpus left out: {}", machine.cpus_left_out);
    print("machineinfo: PSCI: {}, CPU_ON of version 0.1 {:x}", name_of(machine.psci),
          machine.psci_v01_cpu_on);
}

void print_interrupt_controller(const InterruptControllerDescription& controller)
{
    print("machineinfo: interrupt controller: {}", name_of(controller.kind));
    print_range("distributor", controller.distributor);
    print_range("cpu interface", controller.cpu_interface);
    for (const PhysRange& region : controller.redistributors)
        print_range("redistributors", region);
    print("machineinfo: redistributor stride: {:x}", controller.redistributor_stride);
    print_range("local", controller.local);
    print_range("peripherals", controller.peripherals);
}

void print_devices(const MachineDescription& machine)
{
    const UartDescription& uart = machine.uart;
    print("machineinfo: console: {}, {} bytes, shift {}, {}, {} to {}",
          uart.kind == UartKind::None ? "none" : uart_facts(uart.kind).name.text(), uart.layout.bytes,
          uart.layout.shift, uart.layout.is_big_endian ? "big-endian" : "little-endian", uart.registers.base,
          uart.registers.end());
    const TimerDescription& timer = machine.timer;
    print("machineinfo: timer: interrupts {}, at EL2 {} and {}, {} Hz, erratum {}", timer.virtual_interrupt,
          timer.hypervisor_physical_interrupt, timer.hypervisor_virtual_interrupt, timer.frequency_override,
          static_cast<u32>(timer.counter_erratum));
    for (const WatchdogDescription& watchdog : machine.watchdogs)
        print_range("watchdog", watchdog.registers);
    for (const PciHostDescription& host : machine.pci_hosts)
        print_range("PCI host", host.configuration);
}

} // namespace

void print_machineinfo(const MachineDescription& machine)
{
    print("machineinfo: model: {}", machine.model);
    print("machineinfo: compatible: {}", machine.compatible);
    print_memory(machine);
    print_cpus(machine);
    print_interrupt_controller(machine.interrupt_controller);
    print_devices(machine);
    print("machineinfo: remarks: {}", machine.notes.size() + machine.notes_left_out);
}

} // namespace percival
