// SPDX-License-Identifier: BSD-2-Clause
// Reads which interrupt of the interrupt controller a device has (Devicetree Specification 0.4, 2.4.1;
// bindings interrupt-controller/arm,gic-v3.yaml and brcm,bcm2836-l1-intc.yaml).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

// Where an interrupt stands: its cells, from `first` on, in a property of the device.
struct Place {
    DeviceTreePropertyName property_name;
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

// How an entry of a controller's interrupts is written: a type where there are several, the number, and what
// the kernel does not need. The first trees of the BCM2836 have no flags.
struct EntryFormat {
    std::size_t least_cells;
    std::size_t most_cells;
    std::size_t number_at;
    u64 end; // of the numbers of private interrupts that a timer can have
};

constexpr EntryFormat kGicEntry{.least_cells = 3, .most_cells = 4, .number_at = 1, .end = 16};
constexpr EntryFormat kBcm2836Entry{.least_cells = 1, .most_cells = 2, .number_at = 0, .end = 4};

DeviceTreeResult<std::size_t> cells_within(const DeviceTreeView& tree, DeviceTreeNode controller,
                                           const EntryFormat& format)
{
    const auto cells = interrupt_cells(tree, controller);
    if (cells && (*cells < format.least_cells || *cells > format.most_cells))
        return std::unexpected(tree.error(controller, "#interrupt-cells",
                                          format.least_cells == kGicEntry.least_cells ? "is neither 3 nor 4"
                                                                                      : "is neither 1 nor 2",
                                          *cells));
    return cells;
}

// Finds entry `place` of `interrupts`, all entries of which are of one controller.
DeviceTreeResult<Place> find_plain(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t place,
                                   std::size_t cells)
{
    constexpr DeviceTreePropertyName kName = "interrupts";
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
                                      DeviceTreeProperty list, std::size_t place, DeviceTreeNode ours)
{
    constexpr DeviceTreePropertyName kName = "interrupts-extended";
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
        if (entry == place && *controller != ours)
            return wrong("is wired to a controller that this kernel does not drive, phandle", phandle);
        if (entry == place)
            return Place{kName, list, at};
        at += *cells;
    }
    return wrong("has too few entries", list.size());
}

} // namespace

bool may_have_interrupt(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t place,
                        DeviceTreeNode controller)
{
    if (tree.property(node, "interrupts-extended"))
        return true;
    const auto list = tree.property(node, "interrupts");
    const auto cells = interrupt_cells(tree, controller);
    return list && cells && *cells != 0 && place < list->cells() / *cells;
}

DeviceTreeResult<u32> private_interrupt(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t place,
                                        DeviceTreeNode controller, InterruptControllerKind kind)
{
    constexpr u64 kPrivate = 1; // a GIC's interrupt type PPI
    constexpr u32 kFirst = 16;  // the number of interrupt 0
    const bool is_gic = kind != InterruptControllerKind::Bcm2836;
    const EntryFormat& format = is_gic ? kGicEntry : kBcm2836Entry;

    const auto cells = cells_within(tree, controller, format);
    if (!cells)
        return std::unexpected(cells.error());
    const auto extended = tree.property(node, "interrupts-extended");
    const auto found = extended ? find_extended(tree, node, *extended, place, controller)
                                : find_plain(tree, node, place, *cells);
    if (!found)
        return std::unexpected(found.error());
    const bool is_private = !is_gic || found->property.number(found->first, 1) == kPrivate;
    const u64 number = found->property.number(found->first + format.number_at, 1);
    if (!is_private || number >= format.end)
        return std::unexpected(
            tree.error(node, found->property_name, "the interrupt is not a private one of a CPU", number));
    return static_cast<u32>(number) + kFirst;
}

} // namespace percival::device_tree
