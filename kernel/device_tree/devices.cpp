// SPDX-License-Identifier: BSD-2-Clause
// Reads interrupt controller and timer (bindings interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml,
// timer/arm,arch_timer.yaml).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

constexpr Bytes kGicPage = 4_KiB;               // alignment and size of a GICv2 distributor
constexpr Bytes kGicCpuInterface{0x100};        // alignment and size of its CPU interface, without GICC_DIR
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
    const auto cpu_interface = gic_registers(tree, node, 1, kGicCpuInterface, kGicCpuInterface);
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
    constexpr std::size_t kVirtual = 2; // order: secure, non-secure, virtual, hypervisor

    const auto timer = tree.find_compatible("arm,armv8-timer", "arm,armv7-timer");
    if (!timer) {
        note(machine,
             tree.error(tree.root(), "", "there is no generic timer, so its interrupt is assumed to be",
                        machine.timer.virtual_interrupt));
        return {};
    }
    machine.timer.counter_erratum = counter_erratum(tree, *timer);
    std::size_t place = kVirtual;
    if (const auto names = tree.property(*timer, "interrupt-names")) {
        const auto named = names->place_of("virt");
        if (!named)
            return std::unexpected(tree.error(*timer, "interrupt-names", "does not name \"virt\""));
        place = *named;
    }
    const auto interrupt = private_interrupt(tree, *timer, place, gic);
    if (!interrupt)
        return std::unexpected(interrupt.error());
    machine.timer.virtual_interrupt = *interrupt;

    const auto frequency = tree.number_or(*timer, "clock-frequency", 0);
    if (!frequency)
        return std::unexpected(frequency.error());
    if (*frequency > 0xffff'ffff)
        return std::unexpected(tree.error(*timer, "clock-frequency", "does not fit 32 bits", *frequency));
    machine.timer.frequency_override = static_cast<u32>(*frequency);
    return {};
}

} // namespace percival::device_tree
