// SPDX-License-Identifier: BSD-2-Clause
// Reads the watchdogs that the kernel can drive (bindings soc/bcm/brcm,bcm2835-pm.yaml,
// watchdog/fsl-imx-wdt.yaml, watchdog/cdns,wdt-r1p2.yaml and watchdog/snps,dw-wdt.yaml).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

std::optional<WatchdogKind> kind_of(const DeviceTreeView& tree, DeviceTreeNode node)
{
    if (tree.is_compatible(node, "brcm,bcm2835-pm-wdt", "brcm,bcm2835-pm", "brcm,bcm2711-pm",
                           "brcm,bcm2712-pm"))
        return WatchdogKind::Bcm2835;
    if (tree.is_compatible(node, "fsl,imx21-wdt"))
        return WatchdogKind::Imx;
    if (tree.is_compatible(node, "cdns,wdt-r1p2"))
        return WatchdogKind::Cadence;
    if (tree.is_compatible(node, "snps,dw-wdt"))
        return WatchdogKind::DesignWare;
    return std::nullopt;
}

// Returns the number of bytes from the first register to the end of the last one that the driver uses.
Bytes at_least(WatchdogKind kind)
{
    switch (kind) {
    case WatchdogKind::Bcm2835:
        return Bytes{0x28};
    case WatchdogKind::Imx:
        return Bytes{0xa};
    case WatchdogKind::Cadence:
        return Bytes{0xc};
    case WatchdogKind::DesignWare:
        return Bytes{0x10};
    }
    return Bytes{0};
}

DeviceTreeResult<WatchdogDescription> read_watchdog(const DeviceTreeView& tree, DeviceTreeNode node,
                                                    WatchdogKind kind)
{
    const auto registers = device_registers(tree, node, 0);
    if (!registers)
        return std::unexpected(registers.error());
    if (!registers->base.is_aligned(Bytes{4}) || registers->size < at_least(kind))
        return std::unexpected(
            tree.error(node, "reg", "is not the register range of this watchdog", registers->base.raw()));
    return WatchdogDescription{.kind = kind,
                               .registers = *registers,
                               .is_big_endian = tree.property(node, "big-endian").has_value(),
                               .resets_by_pin = tree.property(node, "fsl,ext-reset-output").has_value()};
}

} // namespace

void read_watchdogs(const DeviceTreeView& tree, MachineDescription& machine)
{
    for (std::optional<DeviceTreeNode> node = tree.root(); node; node = tree.next(*node)) {
        const auto kind = kind_of(tree, *node);
        // The clock of a disabled device may be off, and an access to it may then never end.
        if (!kind || !tree.is_enabled_with_parents(*node))
            continue;
        const auto watchdog = read_watchdog(tree, *node, *kind);
        if (!watchdog)
            note(machine, watchdog.error());
        else if (!machine.watchdogs.push(*watchdog))
            note(machine, tree.error(*node, "", "is one watchdog too many, so it is left alone"));
    }
}

} // namespace percival::device_tree
