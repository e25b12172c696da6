// SPDX-License-Identifier: BSD-2-Clause
// Reads addresses of the tree: cells, `reg`, and translation through `ranges` (Devicetree Specification 0.4,
// 2.3).
#include "kernel/device_tree/reader.hpp"

#include <algorithm>

namespace percival::device_tree {
namespace {

// Translates a range of `bus` into the address space of `above`, the parent of `bus`.
DeviceTreeResult<u64> translate(const DeviceTreeView& tree, DeviceTreeNode bus, DeviceTreeNode above,
                                u64 base, u64 size)
{
    const auto ranges = tree.required(bus, "ranges");
    if (!ranges)
        return std::unexpected(ranges.error());
    if (ranges->size() == 0)
        return base;

    const auto inner = cells_below(tree, bus);
    if (!inner)
        return std::unexpected(inner.error());
    const auto outer = cells_below(tree, above);
    if (!outer)
        return std::unexpected(outer.error());
    const std::size_t tuple = inner->address + outer->address + inner->size;
    if (!ranges->is_whole_cells() || ranges->cells() % tuple != 0)
        return std::unexpected(
            tree.error(bus, "ranges", "its length is not a whole number of entries", ranges->size()));

    for (std::size_t at = 0; at < ranges->cells(); at += tuple) {
        const u64 from = ranges->number(at, inner->address);
        const u64 to = ranges->number(at + inner->address, outer->address);
        const u64 length = ranges->number(at + inner->address + outer->address, inner->size);
        if (base >= from && base - from <= length && size <= length - (base - from))
            return to + (base - from);
    }
    return std::unexpected(
        tree.error(bus, "ranges", "does not cover a register range of a device below", base));
}

} // namespace

DeviceTreeResult<AddressCells> cells_below(const DeviceTreeView& tree, DeviceTreeNode parent,
                                           AddressCells otherwise)
{
    const auto address = tree.number_or(parent, "#address-cells", otherwise.address);
    if (!address)
        return std::unexpected(address.error());
    if (*address < 1 || *address > 2)
        return std::unexpected(tree.error(parent, "#address-cells", "is neither 1 nor 2", *address));
    const auto size = tree.number_or(parent, "#size-cells", otherwise.size);
    if (!size)
        return std::unexpected(size.error());
    if (*size > 2)
        return std::unexpected(tree.error(parent, "#size-cells", "is more than 2", *size));
    return AddressCells{*address, *size};
}

DeviceTreeResult<AddressList> AddressList::read(const DeviceTreeView& tree, DeviceTreeNode node,
                                                DeviceTreePropertyName property, AddressCells cells)
{
    const auto list = tree.required(node, property);
    if (!list)
        return std::unexpected(list.error());
    if (!list->is_whole_cells() || list->cells() % cells.tuple() != 0)
        return std::unexpected(
            tree.error(node, property, "its length is not a whole number of entries", list->size()));
    return AddressList{*list, cells};
}

PhysRange clip(u64 base, u64 size)
{
    const u64 start = std::min(base, kPhysicalLimit.raw());
    return {PhysAddr{start}, Bytes{std::min(size, kPhysicalLimit.raw() - start)}};
}

DeviceTreeResult<u64> as_the_cpu_sees_it(const DeviceTreeView& tree, DeviceTreeNode bus, u64 base, u64 size)
{
    for (auto above = tree.parent(bus); above; bus = *above, above = tree.parent(*above)) {
        const auto translated = translate(tree, bus, *above, base, size);
        if (!translated)
            return translated;
        base = *translated;
    }
    return base;
}

DeviceTreeResult<PhysRange> device_registers(const DeviceTreeView& tree, DeviceTreeNode node, std::size_t at)
{
    const auto bus = tree.parent(node);
    if (!bus)
        return std::unexpected(tree.error(node, "", "the root cannot be a device"));
    const auto cells = cells_below(tree, *bus);
    if (!cells)
        return std::unexpected(cells.error());
    const auto reg = AddressList::read(tree, node, "reg", *cells);
    if (!reg)
        return std::unexpected(reg.error());
    if (at >= reg->size())
        return std::unexpected(tree.error(node, "reg", "has too few entries", reg->size()));

    const u64 size = reg->length(at);
    if (size == 0)
        return std::unexpected(tree.error(node, "reg", "has an empty entry at index", at));
    const auto base = as_the_cpu_sees_it(tree, *bus, reg->address(at), size);
    if (!base)
        return std::unexpected(base.error());
    const PhysRange range = clip(*base, size);
    if (range.size != Bytes{size})
        return std::unexpected(tree.error(node, "reg", "is beyond the 52-bit physical address space", *base));
    return range;
}

} // namespace percival::device_tree
