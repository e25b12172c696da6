// SPDX-License-Identifier: BSD-2-Clause
// A checked, read-only view of a flattened device tree (Devicetree Specification 0.4, chapter 5) over libfdt.
// Only for the files of kernel/device_tree; all other code reads the MachineDescription. Boot only; host
// tests use it too.
//
// Invariants:
// * open() has walked the whole structure of a view's blob, once and in order (index.hpp). Every node and
//   property ends inside the blob, and nesting is at most DeviceTreeIndex::kMaxDepth. Everybody else finds
//   nodes and properties in the index that this walk has made.
// * open() does not check property *values*. They are read only through DeviceTreeProperty (property.hpp).
// INV-device_tree_view-1: no libfdt function is used that resolves aliases or compares string lists. In
//     libfdt 1.6 an alias that names itself recurses forever, and fdt_stringlist_contains() reads one byte
//     too far.
#pragma once

#include "kernel/device_tree/error.hpp"
#include "kernel/device_tree/index.hpp"
#include "kernel/device_tree/property.hpp"
#include "kernel/device_tree/property_name.hpp"
#include "kernel/lib/types.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace percival {

struct DeviceTreeNode {
    u16 number{0}; // in the index
    friend constexpr bool operator==(DeviceTreeNode, DeviceTreeNode) = default;
};

class DeviceTreeView {
public:
    // Checks the tree and fills in `index`, which has to live as long as the view (index_device_tree()).
    static DeviceTreeResult<DeviceTreeView> open(std::span<const std::byte> blob, DeviceTreeIndex& index);

    std::span<const std::byte> blob() const { return blob_; }

    static constexpr DeviceTreeNode root() { return {0}; }
    std::optional<DeviceTreeNode> first_child(DeviceTreeNode node) const;
    std::optional<DeviceTreeNode> next_sibling(DeviceTreeNode node) const;
    std::optional<DeviceTreeNode> child(DeviceTreeNode node, std::string_view wanted) const;
    std::optional<DeviceTreeNode> parent(DeviceTreeNode node) const;
    // Returns the next node in depth-first order, which starts at the root.
    std::optional<DeviceTreeNode> next(DeviceTreeNode node) const;
    // Finds a node by its absolute path. Does not resolve aliases (INV-device_tree_view-1).
    std::optional<DeviceTreeNode> find(std::string_view path) const;
    // Finds the node that other nodes refer to by `phandle`. Walks the whole tree.
    std::optional<DeviceTreeNode> find_phandle(u32 phandle) const;
    std::string_view name(DeviceTreeNode node) const;

    std::optional<DeviceTreeProperty> property(DeviceTreeNode node, DeviceTreePropertyName name) const;
    // Finds a property whose name is known only at run time. Walks through the node.
    std::optional<DeviceTreeProperty> property_named(DeviceTreeNode node, std::string_view name) const;
    DeviceTreeResult<DeviceTreeProperty> required(DeviceTreeNode node, DeviceTreePropertyName name) const;
    // Returns a number of one or two cells. An absent property gives `otherwise`; another length is an error.
    DeviceTreeResult<u64> number_or(DeviceTreeNode node, DeviceTreePropertyName name, u64 otherwise) const;
    // Returns a string. A property that is absent or has no bytes gives an empty one; a missing NUL is an
    // error.
    DeviceTreeResult<std::string_view> text_or_empty(DeviceTreeNode node, DeviceTreePropertyName name) const;

    // is_enabled() looks at the node's own status only, is_enabled_with_parents() also at that of every node
    // above.
    bool is_enabled(DeviceTreeNode node) const;
    bool is_enabled_with_parents(DeviceTreeNode node) const;

    bool lists(DeviceTreeNode node, DeviceTreePropertyName property_name, std::string_view wanted) const;

    template <class... Names>
    bool is_compatible(DeviceTreeNode node, const Names&... names) const
    {
        // The names are a pack, not an array: an array of names in static storage would need relocation.
        const auto compatible = property(node, "compatible");
        return compatible && (compatible->place_of(names).has_value() || ...);
    }

    // Returns the first node, depth first, that is compatible with one of the names and enabled with all its
    // parents.
    template <class... Names>
    std::optional<DeviceTreeNode> find_compatible(const Names&... names) const
    {
        for (std::optional<DeviceTreeNode> node = root(); node; node = next(*node)) {
            if (is_compatible(*node, names...) && is_enabled_with_parents(*node))
                return node;
        }
        return std::nullopt;
    }

    // Entries of the memory reservation block, which is not /reserved-memory.
    std::size_t block_reservations() const;
    std::pair<u64, u64> block_reservation(std::size_t at) const; // address, size

    DeviceTreeError error(DeviceTreeNode node, std::string_view property_name, std::string_view problem,
                          std::optional<u64> value = std::nullopt) const;

private:
    DeviceTreeView(std::span<const std::byte> blob, const DeviceTreeIndex& index)
        : blob_{blob}, index_{&index}
    {
    }

    // Returns the number by which other nodes refer to this one, or 0.
    u32 phandle_of(DeviceTreeNode node) const;
    int structure_offset(DeviceTreeNode node) const
    {
        return static_cast<int>(index_->structure_offset(node.number));
    }

    std::span<const std::byte> blob_;
    const DeviceTreeIndex* index_;
};

} // namespace percival
