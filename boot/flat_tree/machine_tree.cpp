// SPDX-License-Identifier: BSD-2-Clause
#include "boot/flat_tree/machine_tree.hpp"

#include "boot/flat_tree/flat_tree_writer.hpp"
#include "kernel/uart/uart_table.hpp"

namespace percival::boot {
namespace {

constexpr u32 kControllerHandle = 1;
constexpr u32 kPrivateInterrupt = 1; // binding interrupt-controller/arm,gic.yaml
constexpr u32 kFirstPrivate = 16;
constexpr u32 kLevelHigh = 4;

void put_range(FlatTreeWriter& tree, PhysRange range)
{
    tree.put_cells(range.base.raw());
    tree.put_cells(range.size.count());
}

void put_registers(FlatTreeWriter& tree, PhysRange range)
{
    tree.begin_property("reg");
    put_range(tree, range);
    tree.end_property();
}

void write_psci(FlatTreeWriter& tree, PsciConduit conduit)
{
    if (conduit == PsciConduit::None)
        return;
    tree.begin_node("psci");
    tree.text("compatible", "arm,psci-1.0");
    tree.text("method", conduit == PsciConduit::Hvc ? "hvc" : "smc");
    tree.end_node();
}

void write_start(FlatTreeWriter& tree, const CpuDescription& cpu)
{
    if (cpu.start == CpuStart::Psci)
        tree.text("enable-method", "psci");
    if (cpu.start != CpuStart::Parking)
        return;
    tree.text("enable-method", "acpi-parking-protocol");
    tree.number("cpu-release-addr", cpu.release_address.raw());
    tree.cell("acpi-parking-id", cpu.parking_id);
}

void write_cpus(FlatTreeWriter& tree, const MachineDescription& machine)
{
    tree.begin_node("cpus");
    tree.cell("#address-cells", 2);
    tree.cell("#size-cells", 0);
    for (const CpuDescription& cpu : machine.cpus) {
        tree.begin_node("cpu", cpu.mpidr);
        tree.text("device_type", "cpu");
        tree.number("reg", cpu.mpidr);
        write_start(tree, cpu);
        tree.cell("numa-node-id", cpu.numa_node);
        tree.end_node();
    }
    tree.end_node();
}

void write_memory(FlatTreeWriter& tree, const MachineDescription& machine)
{
    for (const MemoryBank& bank : machine.memory) {
        tree.begin_node("memory", bank.range.base.raw());
        tree.text("device_type", "memory");
        put_registers(tree, bank.range);
        tree.cell("numa-node-id", bank.numa_node);
        tree.end_node();
    }
}

void write_reservations(FlatTreeWriter& tree, const MachineDescription& machine)
{
    if (machine.reserved.empty())
        return;
    tree.begin_node("reserved-memory");
    tree.cell("#address-cells", 2);
    tree.cell("#size-cells", 2);
    tree.flag("ranges");
    for (const Reservation& reservation : machine.reserved) {
        tree.begin_node("firmware", reservation.range.base.raw());
        put_registers(tree, reservation.range);
        if (reservation.no_map)
            tree.flag("no-map");
        tree.end_node();
    }
    tree.end_node();
}

void write_interrupt_controller(FlatTreeWriter& tree, const InterruptControllerDescription& gic)
{
    const bool is_v3 = gic.kind == InterruptControllerKind::GicV3;
    tree.begin_node("interrupt-controller", gic.distributor.base.raw());
    tree.text("compatible", is_v3 ? "arm,gic-v3" : "arm,gic-400");
    tree.begin_property("reg");
    put_range(tree, gic.distributor);
    if (is_v3) {
        for (const PhysRange& region : gic.redistributors)
            put_range(tree, region);
    } else {
        put_range(tree, gic.cpu_interface);
    }
    tree.end_property();
    if (is_v3)
        tree.cell("#redistributor-regions", static_cast<u32>(gic.redistributors.size()));
    tree.flag("interrupt-controller");
    tree.cell("#interrupt-cells", 3);
    tree.cell("phandle", kControllerHandle);
    tree.end_node();
}

// Calls visit(name, interrupt) for each timer that the machine has, in the order of the binding
// timer/arm,arch_timer.yaml.
template <class Visit>
void for_each_timer(const TimerDescription& timer, Visit visit)
{
    visit("virt", timer.virtual_interrupt);
    if (timer.hypervisor_physical_interrupt != 0)
        visit("hyp-phys", timer.hypervisor_physical_interrupt);
    if (timer.hypervisor_virtual_interrupt != 0)
        visit("hyp-virt", timer.hypervisor_virtual_interrupt);
}

void write_timer(FlatTreeWriter& tree, const TimerDescription& timer)
{
    tree.begin_node("timer");
    tree.text("compatible", "arm,armv8-timer");
    tree.begin_property("interrupt-names");
    for_each_timer(timer, [&](std::string_view name, u32) { tree.put_text(name); });
    tree.end_property();
    tree.begin_property("interrupts");
    for_each_timer(timer, [&](std::string_view, u32 interrupt) {
        for (const u32 cell : {kPrivateInterrupt, interrupt - kFirstPrivate, kLevelHigh})
            tree.put_cell(cell);
    });
    tree.end_property();
    tree.end_node();
}

std::string_view compatible_of(UartKind kind)
{
    for (const UartName& name : uart_compatibles()) {
        if (name.kind == kind)
            return name.name.text();
    }
    return {};
}

void write_console(FlatTreeWriter& tree, const UartDescription& uart)
{
    if (uart.kind == UartKind::None)
        return;
    tree.begin_node("serial");
    tree.text("compatible", compatible_of(uart.kind));
    put_registers(tree, uart.registers);
    tree.cell("reg-shift", uart.layout.shift);
    tree.cell("reg-io-width", uart.layout.bytes);
    tree.flag(uart.layout.is_big_endian ? "big-endian" : "little-endian");
    tree.end_node();
    tree.begin_node("chosen");
    tree.text("stdout-path", "/serial");
    tree.end_node();
}

} // namespace

std::optional<std::size_t> write_machine_tree(const MachineDescription& machine, std::span<std::byte> room)
{
    FlatTreeWriter tree{room};
    tree.cell("#address-cells", 2);
    tree.cell("#size-cells", 2);
    tree.cell("interrupt-parent", kControllerHandle);
    tree.text("model", machine.model);
    tree.text("compatible", machine.compatible);
    write_psci(tree, machine.psci);
    write_cpus(tree, machine);
    write_memory(tree, machine);
    write_reservations(tree, machine);
    write_interrupt_controller(tree, machine.interrupt_controller);
    write_timer(tree, machine.timer);
    write_console(tree, machine.uart);
    return tree.finish();
}

} // namespace percival::boot
