// SPDX-License-Identifier: BSD-2-Clause
// Reads which interrupt of the GIC a device has (Devicetree Specification 0.4, 2.4.1; binding
// interrupt-controller/arm,gic-v3.yaml).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

// Where an interrupt stands: its cells, from `first` on, in a property of the device.
struct Place {
    std::string_view property_name;
    DeviceTreeProperty property;
    std::size_t first;
};

DeviceTreeResult<std::size_t> interrupt_cells(const DeviceTreeView& tree, DeviceTreeNode controller)
{
    constexpr u64 kOfGic = 3;
    const auto cells = tree.number_or(controller, "#interrupt-cells", kOfGic);
    if (!cells)
        return std::unexpected(cells.error());
    return static_cast<std::size_t>(*cells);
}

DeviceTreeResult<std::size_t> gic_cells(const DeviceTreeView& tree, DeviceTreeNode gic)
{
    const auto cells = interrupt_cells(tree, gic);
    if (cells && (*cells < 3 || *cells > 4))
        return std::unexpected(tree.error(gic, "#interrupt-cells", "is neither 3 nor 4", *cells));
    return cells;
}

// Finds entry `place` of `interrupts`, all entries of which are of one controller.
DeviceTreeResult<Place> find_plain(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t place,
                                   std::size_t cells)
{
    constexpr std::string_view kName = "interrupts";
    const auto list = tree.required(node, kName);
    if (!list)
        return std::unexpected(list.error());
    if (!list->is_whole_cells() || list->cells() % cells != 0)
        return std::unexpected(
            tree.error(node, kName, "its length is not a whole number of entries", list->size()));
    if (place >= list->cells() / cells)
        return std::unexpected(tree.error(node, kName, "has too few entries", list->size()));
    return Place{kName, *list, place * cells};
}

// Finds entry `place` of `interrupts-extended`. An entry is the phandle of its controller and as many cells
// as that controller says; a phandle of 0 stands for an interrupt that the device does not have.
DeviceTreeResult<Place> find_extended(const DeviceTreeView& tree, DeviceTreeNode node,
                                      DeviceTreeProperty list, std::size_t place, DeviceTreeNode gic)
{
    constexpr std::string_view kName = "interrupts-extended";
    const auto wrong = [&](std::string_view problem, u64 value) {
        return std::unexpected(tree.error(node, kName, problem, value));
    };
    std::size_t at = 0;
    for (std::size_t entry = 0; at < list.cells(); ++entry) {
        const u64 phandle = list.number(at++, 1);
        if (phandle == 0 && entry == place)
            break;
        if (phandle == 0)
            continue;
        const auto controller = tree.find_phandle(static_cast<u32>(phandle));
        if (!controller)
            return wrong("names no node by phandle", phandle);
        const auto cells = interrupt_cells(tree, *controller);
        if (!cells)
            return std::unexpected(cells.error());
        if (*cells > list.cells() - at)
            return wrong("its length is not a whole number of entries", list.size());
        if (entry == place && *controller != gic)
            return wrong("is wired to a controller that this kernel does not drive, phandle", phandle);
        if (entry == place)
            return Place{kName, list, at};
        at += *cells;
    }
    return wrong("has too few entries", list.size());
}

} // namespace

DeviceTreeResult<u32> private_interrupt(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t place,
                                        DeviceTreeNode gic)
{
    constexpr u64 kPrivate = 1; // interrupt type PPI, numbered from INTID 16
    constexpr u64 kPrivateCount = 16;
    constexpr u32 kFirst = 16;

    const auto cells = gic_cells(tree, gic);
    if (!cells)
        return std::unexpected(cells.error());
    const auto extended = tree.property(node, "interrupts-extended");
    const auto found =
        extended ? find_extended(tree, node, *extended, place, gic) : find_plain(tree, node, place, *cells);
    if (!found)
        return std::unexpected(found.error());
    const u64 type = found->property.number(found->first, 1);
    const u64 number = found->property.number(found->first + 1, 1);
    if (type != kPrivate || number >= kPrivateCount)
        return std::unexpected(
            tree.error(node, found->property_name, "the interrupt is not a private one of a CPU", number));
    return static_cast<u32>(number) + kFirst;
}

} // namespace percival::device_tree
