// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/view.hpp"

#include "kernel/device_tree/device_tree.hpp"
#include "kernel/lib/text.hpp"

#include <libfdt.h>

#include <algorithm>

namespace percival {
namespace {

int length_of(std::string_view text)
{
    return static_cast<int>(text.size());
}

// Returns whether a node that is called `name` is meant by `wanted`, which may lack the unit address.
bool is_meant_by(std::string_view wanted, std::string_view name)
{
    if (!name.starts_with(wanted))
        return false;
    return name.size() == wanted.size() ||
           (name[wanted.size()] == '@' && wanted.find('@') == std::string_view::npos);
}

} // namespace

DeviceTreeResult<DeviceTreeView> DeviceTreeView::open(std::span<const std::byte> blob, DeviceTreeIndex& index)
{
    const auto size = device_tree_size(blob.first(std::min(blob.size(), kDeviceTreeHeaderBytes)));
    if (!size)
        return std::unexpected(size.error());
    if (address_of(blob.data()).raw() % kDeviceTreeAlignment != 0)
        return std::unexpected(
            DeviceTreeError{"blob", "", "does not start at a multiple of 8", address_of(blob.data()).raw()});
    if (size->count() > blob.size())
        return std::unexpected(DeviceTreeError{"blob", "", "is shorter than its header says", size->count()});

    const DeviceTreeView tree{blob.first(size->count()), index};
    if (const auto indexed = index_device_tree(tree.blob_, index); !indexed)
        return std::unexpected(indexed.error());
    return tree;
}

std::optional<DeviceTreeNode> DeviceTreeView::first_child(DeviceTreeNode node) const
{
    const auto child = next(node);
    return child && index_->parent_of(child->number) == node.number ? child : std::nullopt;
}

std::optional<DeviceTreeNode> DeviceTreeView::next_sibling(DeviceTreeNode node) const
{
    const u16 behind = index_->end_of(node.number);
    if (behind >= index_->size() || index_->parent_of(behind) != index_->parent_of(node.number))
        return std::nullopt;
    return DeviceTreeNode{behind};
}

std::optional<DeviceTreeNode> DeviceTreeView::child(DeviceTreeNode node, std::string_view wanted) const
{
    auto found = first_child(node);
    while (found && !is_meant_by(wanted, name(*found)))
        found = next_sibling(*found);
    return found;
}

std::optional<DeviceTreeNode> DeviceTreeView::parent(DeviceTreeNode node) const
{
    const u16 parent = index_->parent_of(node.number);
    return parent != DeviceTreeIndex::kNone ? std::optional{DeviceTreeNode{parent}} : std::nullopt;
}

std::optional<DeviceTreeNode> DeviceTreeView::next(DeviceTreeNode node) const
{
    if (node.number + 1 == index_->size())
        return std::nullopt;
    return DeviceTreeNode{static_cast<u16>(node.number + 1)};
}

std::optional<DeviceTreeNode> DeviceTreeView::find(std::string_view path) const
{
    if (!path.starts_with('/'))
        return std::nullopt;
    std::optional<DeviceTreeNode> found = root();
    while (found) {
        while (path.starts_with('/'))
            path.remove_prefix(1);
        if (path.empty())
            break;
        const std::string_view first = slice(path, 0, path.find('/'));
        found = child(*found, first);
        path.remove_prefix(first.size());
    }
    return found;
}

std::optional<DeviceTreeNode> DeviceTreeView::find_phandle(u32 phandle) const
{
    constexpr u32 kNobody = 0xffff'ffff;
    if (phandle == 0 || phandle == kNobody)
        return std::nullopt;
    std::optional<DeviceTreeNode> node = root();
    while (node && phandle_of(*node) != phandle)
        node = next(*node);
    return node;
}

u32 DeviceTreeView::phandle_of(DeviceTreeNode node) const
{
    constexpr std::size_t kSize = DeviceTreeProperty::kCellBytes;
    auto found = property(node, "phandle");
    if (!found || found->size() != kSize)
        found = property(node, "linux,phandle");
    return found && found->size() == kSize ? static_cast<u32>(found->number(0, 1)) : 0;
}

std::string_view DeviceTreeView::name(DeviceTreeNode node) const
{
    // The walk has seen the NUL behind the name.
    const int at = structure_offset(node) + static_cast<int>(FDT_TAGSIZE);
    return static_cast<const char*>(fdt_offset_ptr(blob_.data(), at, 0));
}

std::optional<DeviceTreeProperty> DeviceTreeView::property(DeviceTreeNode node,
                                                           DeviceTreePropertyName name) const
{
    const auto place = index_->property(node.number, name);
    if (!place)
        return std::nullopt;
    return DeviceTreeProperty{blob_.subspan(place->offset, place->size)};
}

std::optional<DeviceTreeProperty> DeviceTreeView::property_named(DeviceTreeNode node,
                                                                 std::string_view name) const
{
    int length = 0;
    const void* value =
        fdt_getprop_namelen(blob_.data(), structure_offset(node), name.data(), length_of(name), &length);
    if (value == nullptr || length < 0)
        return std::nullopt;
    return DeviceTreeProperty{{static_cast<const std::byte*>(value), static_cast<std::size_t>(length)}};
}

DeviceTreeResult<DeviceTreeProperty> DeviceTreeView::required(DeviceTreeNode node,
                                                              DeviceTreePropertyName name) const
{
    const auto found = property(node, name);
    if (!found)
        return std::unexpected(error(node, name, "is missing"));
    return *found;
}

DeviceTreeResult<u64> DeviceTreeView::number_or(DeviceTreeNode node, DeviceTreePropertyName name,
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
                                                                 DeviceTreePropertyName name) const
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
    // Ends by INV-device_tree_index-1.
    for (std::optional<DeviceTreeNode> at = node; at; at = parent(*at)) {
        if (!is_enabled(*at))
            return false;
    }
    return true;
}

bool DeviceTreeView::lists(DeviceTreeNode node, DeviceTreePropertyName property_name,
                           std::string_view wanted) const
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
    if (fdt_get_path(blob_.data(), structure_offset(node), path.data(), static_cast<int>(path.size())) != 0)
        return {name(node), property_name, problem, value};
    return {std::string_view{path.data()}, property_name, problem, value};
}

} // namespace percival
