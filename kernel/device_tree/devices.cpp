// SPDX-License-Identifier: BSD-2-Clause
// Reads the three devices that the kernel drives: interrupt controller, timer and console (bindings
// interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml, timer/arm,arch_timer.yaml, serial/pl011.yaml).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

constexpr Bytes kGicPage = 4_KiB;               // alignment and size of a GICv2 register block
constexpr Bytes kGicFrame = 64_KiB;             // alignment and size of a GICv3 frame
constexpr Bytes kRedistributor = kGicFrame * 2; // minimum: RD_base and SGI_base (IHI 0069H, 12.10)

DeviceTreeResult<PhysRange> gic_registers(const DeviceTreeView& tree, DeviceTreeNode gic, std::size_t at,
                                          Bytes alignment, Bytes at_least)
{
    const auto range = device_registers(tree, gic, at);
    if (!range)
        return range;
    if (!range->base.is_aligned(alignment))
        return std::unexpected(
            tree.error(gic, "reg", "is not aligned as a GIC's registers are", range->base.raw()));
    if (range->size < at_least)
        return std::unexpected(
            tree.error(gic, "reg", "is too small for a GIC's registers", range->size.count()));
    return range;
}

DeviceTreeResult<void> read_gic_v2(const DeviceTreeView& tree, DeviceTreeNode node, GicDescription& gic)
{
    gic.version = GicDescription::Version::V2;
    const auto distributor = gic_registers(tree, node, 0, kGicPage, kGicPage);
    if (!distributor)
        return std::unexpected(distributor.error());
    const auto cpu_interface = gic_registers(tree, node, 1, kGicPage, kGicPage);
    if (!cpu_interface)
        return std::unexpected(cpu_interface.error());
    gic.distributor = *distributor;
    gic.cpu_interface = *cpu_interface;
    return {};
}

DeviceTreeResult<void> read_gic_v3(const DeviceTreeView& tree, DeviceTreeNode node, GicDescription& gic)
{
    gic.version = GicDescription::Version::V3;
    const auto distributor = gic_registers(tree, node, 0, kGicFrame, kGicFrame);
    if (!distributor)
        return std::unexpected(distributor.error());
    gic.distributor = *distributor;

    const auto regions = tree.number_or(node, "#redistributor-regions", 1);
    if (!regions)
        return std::unexpected(regions.error());
    if (*regions < 1 || *regions > kMaxGicRedistributorRegions)
        return std::unexpected(tree.error(node, "#redistributor-regions", "is not from 1 to 32", *regions));
    for (std::size_t at = 0; at < *regions; ++at) {
        const auto region = gic_registers(tree, node, 1 + at, kGicFrame, kRedistributor);
        if (!region)
            return std::unexpected(region.error());
        static_cast<void>(gic.redistributors.push(*region)); // has room: checked above
    }

    const auto stride = tree.number_or(node, "redistributor-stride", 0);
    if (!stride)
        return std::unexpected(stride.error());
    if (*stride % kGicFrame.count() != 0 || (*stride != 0 && *stride < kRedistributor.count()))
        return std::unexpected(
            tree.error(node, "redistributor-stride", "is not a redistributor's size", *stride));
    gic.redistributor_stride = *stride;
    return {};
}

CounterErratum counter_erratum(const DeviceTreeView& tree, DeviceTreeNode timer)
{
    if (tree.property(timer, "fsl,erratum-a008585"))
        return CounterErratum::FslA008585;
    if (tree.property(timer, "hisilicon,erratum-161010101"))
        return CounterErratum::Hisilicon161010101;
    if (tree.property(timer, "allwinner,erratum-unknown1"))
        return CounterErratum::AllwinnerUnknown1;
    return CounterErratum::None;
}

// Returns the console's registers, or an error if the kernel cannot drive `node`.
DeviceTreeResult<UartDescription> read_pl011(const DeviceTreeView& tree, DeviceTreeNode node)
{
    // The last register that the driver uses is UARTDMACR at 0x48 (DDI 0183G, 3.2).
    constexpr Bytes kAtLeast{0x4c};
    const auto registers = device_registers(tree, node, 0);
    if (!registers)
        return std::unexpected(registers.error());
    if (!registers->base.is_aligned(Bytes{4}) || registers->size < kAtLeast)
        return std::unexpected(
            tree.error(node, "reg", "is not the register range of a PL011", registers->base.raw()));
    return UartDescription{UartKind::Pl011, *registers};
}

} // namespace

DeviceTreeResult<DeviceTreeNode> read_gic(const DeviceTreeView& tree, MachineDescription& machine)
{
    if (const auto v3 = tree.find_compatible("arm,gic-v3")) {
        if (auto result = read_gic_v3(tree, *v3, machine.gic); !result)
            return std::unexpected(result.error());
        return *v3;
    }
    const auto v2 =
        tree.find_compatible("arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "qcom,msm-qgic2");
    if (!v2)
        return std::unexpected(tree.error(tree.root(), "",
                                          "there is no interrupt controller: no enabled node is "
                                          "compatible with a GICv2 or GICv3"));
    if (auto result = read_gic_v2(tree, *v2, machine.gic); !result)
        return std::unexpected(result.error());
    return *v2;
}

DeviceTreeResult<void> read_timer(const DeviceTreeView& tree, DeviceTreeNode gic, MachineDescription& machine)
{
    constexpr u64 kPrivate = 1; // interrupt type PPI, numbered from INTID 16
    constexpr u64 kPrivateCount = 16;
    constexpr std::size_t kVirtual = 2; // order: secure, non-secure, virtual, hypervisor

    const auto timer = tree.find_compatible("arm,armv8-timer");
    if (!timer) {
        note(machine,
             tree.error(tree.root(), "", "there is no arm,armv8-timer, so its interrupt is assumed to be",
                        machine.timer.virtual_interrupt));
        return {};
    }
    machine.timer.counter_erratum = counter_erratum(tree, *timer);
    const auto cells = tree.number_or(gic, "#interrupt-cells", 3);
    if (!cells)
        return std::unexpected(cells.error());
    if (*cells < 3 || *cells > 4)
        return std::unexpected(tree.error(gic, "#interrupt-cells", "is neither 3 nor 4", *cells));
    const auto interrupts = tree.required(*timer, "interrupts");
    if (!interrupts)
        return std::unexpected(interrupts.error());
    if (!interrupts->is_whole_cells() || interrupts->cells() % *cells != 0)
        return std::unexpected(tree.error(*timer, "interrupts", "its length is not a whole number of entries",
                                          interrupts->size()));

    std::size_t place = kVirtual;
    if (const auto names = tree.property(*timer, "interrupt-names")) {
        const auto named = names->place_of("virt");
        if (!named)
            return std::unexpected(tree.error(*timer, "interrupt-names", "does not name \"virt\""));
        place = *named;
    }
    if (place >= interrupts->cells() / *cells)
        return std::unexpected(
            tree.error(*timer, "interrupts", "has no entry for the virtual timer", interrupts->size()));
    const std::size_t at = place * *cells;
    const u64 number = interrupts->number(at + 1, 1);
    if (interrupts->number(at, 1) != kPrivate || number >= kPrivateCount)
        return std::unexpected(
            tree.error(*timer, "interrupts", "the virtual timer's interrupt is not a PPI", number));
    machine.timer.virtual_interrupt = static_cast<u32>(number + 16);

    const auto frequency = tree.number_or(*timer, "clock-frequency", 0);
    if (!frequency)
        return std::unexpected(frequency.error());
    if (*frequency > 0xffff'ffff)
        return std::unexpected(tree.error(*timer, "clock-frequency", "does not fit 32 bits", *frequency));
    machine.timer.frequency_override = static_cast<u32>(*frequency);
    return {};
}

void read_uart(const DeviceTreeView& tree, MachineDescription& machine)
{
    const auto is_usable = [&tree](DeviceTreeNode node) {
        return tree.is_compatible(node, "arm,pl011") && tree.is_enabled_with_parents(node);
    };
    auto node = console_node(tree, machine);
    if (node && !is_usable(*node)) {
        note(machine, tree.error(*node, "", "is the stdout-path, but not an enabled PL011"));
        node.reset();
    }
    if (!node)
        node = tree.find_compatible("arm,pl011");
    if (!node)
        return;
    // The kernel also runs without a console, so this error is only noted.
    if (const auto uart = read_pl011(tree, *node))
        machine.uart = *uart;
    else
        note(machine, uart.error());
}

} // namespace percival::device_tree
