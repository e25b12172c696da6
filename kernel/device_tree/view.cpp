// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/view.hpp"

#include "kernel/device_tree/device_tree.hpp"
#include "kernel/lib/text.hpp"

#include <libfdt.h>

#include <algorithm>

namespace percival {
namespace {

std::string_view as_text(std::span<const std::byte> bytes)
{
    // SAFETY: any object may be read as char, and the view keeps the span's length.
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<DeviceTreeNode> node_at(int offset)
{
    if (offset < 0)
        return std::nullopt;
    return DeviceTreeNode{offset};
}

int length_of(std::string_view text)
{
    return static_cast<int>(text.size());
}

} // namespace

u64 DeviceTreeProperty::number(std::size_t first, std::size_t count) const
{
    u64 value = 0;
    for (std::byte b : value_.subspan(first * kCellBytes, count * kCellBytes))
        value = value << 8 | std::to_integer<u64>(b);
    return value;
}

std::optional<u64> DeviceTreeProperty::number() const
{
    if (!is_whole_cells() || cells() < 1 || cells() > 2)
        return std::nullopt;
    return number(0, cells());
}

std::optional<std::string_view> DeviceTreeProperty::text() const
{
    const std::string_view all = as_text(value_);
    const std::size_t end = all.find('\0');
    if (end == std::string_view::npos)
        return std::nullopt;
    return slice(all, 0, end);
}

std::optional<std::size_t> DeviceTreeProperty::place_of(std::string_view wanted) const
{
    std::string_view rest = as_text(value_);
    for (std::size_t place = 0;; ++place) {
        const std::size_t end = rest.find('\0');
        if (end == std::string_view::npos)
            return std::nullopt;
        if (slice(rest, 0, end) == wanted)
            return place;
        rest.remove_prefix(end + 1);
    }
}

DeviceTreeResult<DeviceTreeView> DeviceTreeView::open(std::span<const std::byte> blob)
{
    const auto size = device_tree_size(blob.first(std::min(blob.size(), kDeviceTreeHeaderBytes)));
    if (!size)
        return std::unexpected(size.error());
    if (address_of(blob.data()).raw() % kDeviceTreeAlignment != 0)
        return std::unexpected(
            DeviceTreeError{"blob", "", "does not start at a multiple of 8", address_of(blob.data()).raw()});
    if (size->count() > blob.size())
        return std::unexpected(DeviceTreeError{"blob", "", "is shorter than its header says", size->count()});

    const DeviceTreeView tree{blob.first(size->count())};
    if (const int problem = fdt_check_full(tree.blob_.data(), tree.blob_.size()); problem < 0)
        return std::unexpected(
            DeviceTreeError{"blob", "", "is damaged, libfdt error", static_cast<u64>(-problem)});
    // fdt_check_full() accepts a structure without any node, and any nesting depth.
    int depth = -1;
    int offset = fdt_next_node(tree.blob_.data(), -1, &depth);
    if (offset != root().offset)
        return std::unexpected(DeviceTreeError{"blob", "", "does not begin with a root node"});
    for (; offset >= 0 && depth >= 0; offset = fdt_next_node(tree.blob_.data(), offset, &depth)) {
        if (depth > kMaxDepth)
            return std::unexpected(DeviceTreeError{tree.name({offset}), "", "is nested too deep"});
    }
    return tree;
}

std::optional<DeviceTreeNode> DeviceTreeView::first_child(DeviceTreeNode node) const
{
    return node_at(fdt_first_subnode(blob_.data(), node.offset));
}

std::optional<DeviceTreeNode> DeviceTreeView::next_sibling(DeviceTreeNode node) const
{
    return node_at(fdt_next_subnode(blob_.data(), node.offset));
}

std::optional<DeviceTreeNode> DeviceTreeView::child(DeviceTreeNode node, std::string_view name) const
{
    return node_at(fdt_subnode_offset_namelen(blob_.data(), node.offset, name.data(), length_of(name)));
}

std::optional<DeviceTreeNode> DeviceTreeView::parent(DeviceTreeNode node) const
{
    return node_at(fdt_parent_offset(blob_.data(), node.offset));
}

std::optional<DeviceTreeNode> DeviceTreeView::next(DeviceTreeNode node) const
{
    return node_at(fdt_next_node(blob_.data(), node.offset, nullptr));
}

std::optional<DeviceTreeNode> DeviceTreeView::find(std::string_view path) const
{
    if (!path.starts_with('/'))
        return std::nullopt;
    return node_at(fdt_path_offset_namelen(blob_.data(), path.data(), length_of(path)));
}

std::optional<DeviceTreeNode> DeviceTreeView::find_phandle(u32 phandle) const
{
    return node_at(fdt_node_offset_by_phandle(blob_.data(), phandle));
}

std::string_view DeviceTreeView::name(DeviceTreeNode node) const
{
    int length = 0;
    const char* text = fdt_get_name(blob_.data(), node.offset, &length);
    if (text == nullptr)
        return {};
    return {text, static_cast<std::size_t>(length)};
}

std::optional<DeviceTreeProperty> DeviceTreeView::property(DeviceTreeNode node, std::string_view name) const
{
    int length = 0;
    const void* value = fdt_getprop_namelen(blob_.data(), node.offset, name.data(), length_of(name), &length);
    if (value == nullptr || length < 0)
        return std::nullopt;
    return DeviceTreeProperty{{static_cast<const std::byte*>(value), static_cast<std::size_t>(length)}};
}

DeviceTreeResult<DeviceTreeProperty> DeviceTreeView::required(DeviceTreeNode node,
                                                              std::string_view name) const
{
    const auto found = property(node, name);
    if (!found)
        return std::unexpected(error(node, name, "is missing"));
    return *found;
}

DeviceTreeResult<u64> DeviceTreeView::number_or(DeviceTreeNode node, std::string_view name,
                                                u64 otherwise) const
{
    const auto found = property(node, name);
    if (!found)
        return otherwise;
    const auto number = found->number();
    if (!number)
        return std::unexpected(error(node, name, "is not a number of one or two cells"));
    return *number;
}

DeviceTreeResult<std::string_view> DeviceTreeView::text_or_empty(DeviceTreeNode node,
                                                                 std::string_view name) const
{
    const auto found = property(node, name);
    if (!found || found->size() == 0)
        return std::string_view{};
    const auto text = found->text();
    if (!text)
        return std::unexpected(error(node, name, "is not a NUL-terminated string"));
    return *text;
}

bool DeviceTreeView::is_enabled(DeviceTreeNode node) const
{
    const auto status = property(node, "status");
    if (!status)
        return true;
    const auto text = status->text();
    return text && (*text == "okay" || *text == "ok");
}

bool DeviceTreeView::is_enabled_with_parents(DeviceTreeNode node) const
{
    for (std::optional<DeviceTreeNode> at = node; at; at = parent(*at)) {
        if (!is_enabled(*at))
            return false;
    }
    return true;
}

bool DeviceTreeView::lists(DeviceTreeNode node, std::string_view property_name, std::string_view wanted) const
{
    const auto list = property(node, property_name);
    return list && list->place_of(wanted).has_value();
}

std::size_t DeviceTreeView::block_reservations() const
{
    return static_cast<std::size_t>(std::max(fdt_num_mem_rsv(blob_.data()), 0));
}

std::pair<u64, u64> DeviceTreeView::block_reservation(std::size_t at) const
{
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    if (fdt_get_mem_rsv(blob_.data(), static_cast<int>(at), &address, &size) != 0)
        return {0, 0};
    return {address, size};
}

DeviceTreeError DeviceTreeView::error(DeviceTreeNode node, std::string_view property_name,
                                      std::string_view problem, std::optional<u64> value) const
{
    // The buffer is longer than what an error keeps, so that the error gets the end of the path, which tells
    // nodes apart.
    std::array<char, 4 * DeviceTreeError::kPathLength> path{};
    if (fdt_get_path(blob_.data(), node.offset, path.data(), static_cast<int>(path.size())) != 0)
        return {name(node), property_name, problem, value};
    return {std::string_view{path.data()}, property_name, problem, value};
}

} // namespace percival
