// SPDX-License-Identifier: BSD-2-Clause
// Reads the interrupt controller (bindings interrupt-controller/arm,gic.yaml, arm,gic-v3.yaml,
// brcm,bcm2836-l1-intc.yaml and brcm,bcm2835-armctrl-ic.yaml).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

constexpr Bytes kGicPage = 4_KiB;               // alignment and size of a GICv2 distributor
constexpr Bytes kGicCpuInterface{0x100};        // alignment and size of its CPU interface, without GICC_DIR
constexpr Bytes kGicFrame = 64_KiB;             // alignment and size of a GICv3 frame
constexpr Bytes kRedistributor = kGicFrame * 2; // minimum: RD_base and SGI_base (IHI 0069H, 12.10)

DeviceTreeResult<PhysRange> controller_registers(const DeviceTreeView& tree, DeviceTreeNode gic,
                                                 std::size_t at, Bytes alignment, Bytes at_least)
{
    const auto range = device_registers(tree, gic, at);
    if (!range)
        return range;
    if (!range->base.is_aligned(alignment))
        return std::unexpected(
            tree.error(gic, "reg", "is not aligned as the controller's registers are", range->base.raw()));
    if (range->size < at_least)
        return std::unexpected(
            tree.error(gic, "reg", "is too small for the controller's registers", range->size.count()));
    return range;
}

DeviceTreeResult<void> read_gic_v2(const DeviceTreeView& tree, DeviceTreeNode node,
                                   InterruptControllerDescription& gic)
{
    gic.kind = InterruptControllerKind::GicV2;
    const auto distributor = controller_registers(tree, node, 0, kGicPage, kGicPage);
    if (!distributor)
        return std::unexpected(distributor.error());
    const auto cpu_interface = controller_registers(tree, node, 1, kGicCpuInterface, kGicCpuInterface);
    if (!cpu_interface)
        return std::unexpected(cpu_interface.error());
    gic.distributor = *distributor;
    gic.cpu_interface = *cpu_interface;
    return {};
}

DeviceTreeResult<void> read_gic_v3(const DeviceTreeView& tree, DeviceTreeNode node,
                                   InterruptControllerDescription& gic)
{
    gic.kind = InterruptControllerKind::GicV3;
    const auto distributor = controller_registers(tree, node, 0, kGicFrame, kGicFrame);
    if (!distributor)
        return std::unexpected(distributor.error());
    gic.distributor = *distributor;

    const auto regions = tree.number_or(node, "#redistributor-regions", 1);
    if (!regions)
        return std::unexpected(regions.error());
    if (*regions < 1 || *regions > kMaxGicRedistributorRegions)
        return std::unexpected(tree.error(node, "#redistributor-regions", "is not from 1 to 32", *regions));
    for (std::size_t at = 0; at < *regions; ++at) {
        const auto region = controller_registers(tree, node, 1 + at, kGicFrame, kRedistributor);
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

// The registers of the local controller end with the mailboxes (QA7, 4), those of the controller of
// peripheral interrupts with the disables (BCM2835 ARM Peripherals, 7.5).
constexpr Bytes kBcm2836Local{0x100};
constexpr Bytes kBcm2836Peripherals{0x28};

DeviceTreeResult<void> read_bcm2836(const DeviceTreeView& tree, DeviceTreeNode node,
                                    InterruptControllerDescription& controller)
{
    controller.kind = InterruptControllerKind::Bcm2836;
    const auto local = controller_registers(tree, node, 0, kBcm2836Local, kBcm2836Local);
    if (!local)
        return std::unexpected(local.error());
    controller.local = *local;
    const auto peripherals = tree.find_compatible("brcm,bcm2836-armctrl-ic");
    if (!peripherals)
        return {};
    const auto registers = controller_registers(tree, *peripherals, 0, Bytes{4}, kBcm2836Peripherals);
    if (!registers)
        return std::unexpected(registers.error());
    controller.peripherals = *registers;
    return {};
}

DeviceTreeResult<DeviceTreeNode> node_if(const DeviceTreeResult<void>& read, DeviceTreeNode node)
{
    if (!read)
        return std::unexpected(read.error());
    return node;
}

} // namespace

DeviceTreeResult<DeviceTreeNode> read_interrupt_controller(const DeviceTreeView& tree,
                                                           MachineDescription& machine)
{
    InterruptControllerDescription& controller = machine.interrupt_controller;
    if (const auto v3 = tree.find_compatible("arm,gic-v3"))
        return node_if(read_gic_v3(tree, *v3, controller), *v3);
    if (const auto v2 =
            tree.find_compatible("arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "qcom,msm-qgic2"))
        return node_if(read_gic_v2(tree, *v2, controller), *v2);
    if (const auto local = tree.find_compatible("brcm,bcm2836-l1-intc"))
        return node_if(read_bcm2836(tree, *local, controller), *local);
    return std::unexpected(tree.error(tree.root(), "",
                                      "there is no interrupt controller: no enabled node is compatible with "
                                      "a GICv2 or GICv3, or with a BCM2836's local controller"));
}

} // namespace percival::device_tree
