// SPDX-License-Identifier: BSD-2-Clause
// Reads the PCI hosts whose configuration space is mapped (binding pci/host-generic-pci.yaml, and the PCI Bus
// Binding to IEEE 1275 for `ranges`).
#include "kernel/device_tree/reader.hpp"

namespace percival::device_tree {
namespace {

constexpr Bytes kConfigurationOfBus = 1_MiB;

// The first cell of a PCI address: which address space, and whether it is prefetchable.
constexpr u64 kSpace = u64{3} << 24;
constexpr u64 kSpaceOfMemory32 = u64{2} << 24;
constexpr u64 kSpaceOfMemory64 = u64{3} << 24;
constexpr u64 kIsPrefetchable = u64{1} << 30;

DeviceTreeResult<void> read_buses(const DeviceTreeView& tree, DeviceTreeNode node, PciHostDescription& host)
{
    host.first_bus = 0;
    host.last_bus = 0xff;
    const auto buses = tree.property(node, "bus-range");
    if (!buses)
        return {};
    if (buses->size() != 2 * DeviceTreeProperty::kCellBytes || buses->number(0, 1) > buses->number(1, 1) ||
        buses->number(1, 1) > 0xff)
        return std::unexpected(tree.error(node, "bus-range", "is not a first and a last bus up to 255"));
    host.first_bus = static_cast<u8>(buses->number(0, 1));
    host.last_bus = static_cast<u8>(buses->number(1, 1));
    return {};
}

// Reads one entry of `ranges`, whose first cell is `kind`.
DeviceTreeResult<void> read_window(const DeviceTreeView& tree, DeviceTreeNode node, u64 kind, u64 bus_base,
                                   u64 cpu_base, u64 size, PciHostDescription& host)
{
    const bool is_low = (kind & kSpace) == kSpaceOfMemory32;
    PciWindow& window = is_low ? host.low : host.high;
    // A prefetchable window does not suit every device, and one window of each kind is enough.
    if ((!is_low && (kind & kSpace) != kSpaceOfMemory64) || (kind & kIsPrefetchable) != 0 || size == 0 ||
        !window.range.is_empty())
        return {};
    constexpr u64 kLowEnd = u64{1} << 32;
    if (bus_base + size < size)
        return std::unexpected(
            tree.error(node, "ranges", "has a window beyond the bus's addresses", bus_base));
    // An LS1028A calls such a window one of 32 bits, for devices whose BARs are fixed.
    if (is_low && bus_base + size > kLowEnd)
        return {};
    const auto above = tree.parent(node);
    const auto base = above ? as_the_cpu_sees_it(tree, *above, cpu_base, size) : cpu_base;
    if (!base)
        return std::unexpected(base.error());
    window = {clip(*base, size), bus_base};
    if (window.range.size != Bytes{size})
        return std::unexpected(
            tree.error(node, "ranges", "is beyond the 52-bit physical address space", *base));
    return {};
}

DeviceTreeResult<void> read_windows(const DeviceTreeView& tree, DeviceTreeNode node, PciHostDescription& host)
{
    constexpr std::size_t kKindCells = 1;
    constexpr std::size_t kCells = 2; // of an address on the bus behind the kind, and of a size
    const auto address_cells = tree.number_or(node, "#address-cells", 0);
    const auto size_cells = tree.number_or(node, "#size-cells", 0);
    if (!address_cells || !size_cells || *address_cells != kKindCells + kCells || *size_cells != kCells)
        return std::unexpected(tree.error(node, "", "does not have PCI's 3 address cells and 2 size cells"));
    const auto parent = tree.parent(node);
    const auto outer = parent ? cells_below(tree, *parent) : AddressCells{};
    if (!outer)
        return std::unexpected(outer.error());
    const auto ranges = tree.required(node, "ranges");
    if (!ranges)
        return std::unexpected(ranges.error());
    const std::size_t tuple = kKindCells + kCells + outer->address + kCells;
    if (!ranges->is_whole_cells() || ranges->cells() % tuple != 0)
        return std::unexpected(
            tree.error(node, "ranges", "its length is not a whole number of entries", ranges->size()));
    for (std::size_t at = 0; at < ranges->cells(); at += tuple) {
        const std::size_t bus_at = at + kKindCells;
        const std::size_t cpu_at = bus_at + kCells;
        const std::size_t size_at = cpu_at + outer->address;
        if (auto window =
                read_window(tree, node, ranges->number(at, kKindCells), ranges->number(bus_at, kCells),
                            ranges->number(cpu_at, outer->address), ranges->number(size_at, kCells), host);
            !window)
            return window;
    }
    return {};
}

DeviceTreeResult<PciHostDescription> read_host(const DeviceTreeView& tree, DeviceTreeNode node)
{
    PciHostDescription host;
    const auto configuration = device_registers(tree, node, 0);
    if (!configuration)
        return std::unexpected(configuration.error());
    host.configuration = *configuration;
    if (!host.configuration.base.is_aligned(Bytes{4096}) || host.configuration.size < kConfigurationOfBus)
        return std::unexpected(tree.error(node, "reg", "is not the configuration space of a bus or more",
                                          host.configuration.base.raw()));
    if (auto buses = read_buses(tree, node, host); !buses)
        return std::unexpected(buses.error());
    if (auto windows = read_windows(tree, node, host); !windows)
        return std::unexpected(windows.error());
    host.is_coherent = tree.property(node, "dma-coherent").has_value();
    host.has_iommu = tree.property(node, "iommu-map").has_value();
    return host;
}

} // namespace

void read_pci_hosts(const DeviceTreeView& tree, MachineDescription& machine)
{
    for (std::optional<DeviceTreeNode> node = tree.root(); node; node = tree.next(*node)) {
        if (!tree.is_compatible(*node, "pci-host-ecam-generic") || !tree.is_enabled_with_parents(*node))
            continue;
        const auto host = read_host(tree, *node);
        if (!host)
            note(machine, host.error());
        else if (!machine.pci_hosts.push(*host))
            note(machine, tree.error(*node, "", "is one PCI host too many, so it is left alone"));
    }
}

} // namespace percival::device_tree
