// SPDX-License-Identifier: BSD-2-Clause
// Where the nodes of a device tree and the properties that the kernel reads lie in its blob. It is made while
// the structure is checked, in the only walk through the tree: libfdt finds a parent, a property or a path by
// a walk of its own each time. Only for kernel/device_tree. Boot only; host tests use
// it too.
//
// Nodes are numbered in depth-first order, and the properties of each lie behind those of the one before.
//
// INV-device_tree_index-1: every node but the root has a parent with a lower number, and end_of() is above
//     the node's own number. So each walk along them ends.
#pragma once

#include "kernel/device_tree/error.hpp"
#include "kernel/device_tree/property_name.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace percival {

class DeviceTreeIndex {
public:
    // The boards of Debian's kernel package have up to 1112 nodes and 1731 such properties.
    static constexpr std::size_t kMaxNodes = 4096;
    static constexpr std::size_t kMaxProperties = 8192;
    static constexpr int kMaxDepth = 32;
    static constexpr u16 kNone = 0xffff;

    // A part of the blob.
    struct Place {
        u32 offset;
        u32 size;
    };

    void clear() { node_count_ = property_count_ = 0; }

    // Adds a node whose tag is at `structure_offset`. Returns its number, or nothing if there is no room.
    std::optional<u16> add_node(u16 parent, u32 structure_offset)
    {
        if (node_count_ == kMaxNodes)
            return std::nullopt;
        nodes_[node_count_] = {structure_offset, parent, kNone, property_count_};
        return node_count_++;
    }
    // Ends `node`: all nodes below it have been added.
    void end_node(u16 node) { nodes_[node].end = node_count_; }
    // Adds a property of the node that was added last. Returns false if there is no room.
    bool add_property(DeviceTreePropertyName name, Place value)
    {
        if (property_count_ == kMaxProperties)
            return false;
        properties_[property_count_++] = {value.offset, value.size, name.number()};
        return true;
    }

    u16 size() const { return node_count_; }
    u32 structure_offset(u16 node) const { return nodes_[node].structure_offset; }
    // Returns the parent, or kNone for the root.
    u16 parent_of(u16 node) const { return nodes_[node].parent; }
    // Returns the number of the first node that is not below `node`; size() if there is none.
    u16 end_of(u16 node) const { return nodes_[node].end; }
    // Returns where the value of the node's first property with this name is.
    std::optional<Place> property(u16 node, DeviceTreePropertyName name) const
    {
        const u16 end = node + 1 < node_count_ ? nodes_[node + 1].first_property : property_count_;
        for (u16 at = nodes_[node].first_property; at < end; ++at) {
            if (properties_[at].name == name.number())
                return Place{properties_[at].offset, properties_[at].size};
        }
        return std::nullopt;
    }

private:
    struct Node {
        u32 structure_offset;
        u16 parent;
        u16 end;
        u16 first_property;
    };
    struct Property {
        u32 offset;
        u32 size : 24; // a tree has 2 MiB at most
        u32 name : 8;
    };

    std::array<Node, kMaxNodes> nodes_{};
    std::array<Property, kMaxProperties> properties_{};
    u16 node_count_{0};
    u16 property_count_{0};
};

// Checks header, reservations and structure of a blob that is as long as its header says, and indexes it.
// What is behind the end of the root is no part of the tree. A tree with more nodes or properties than fit,
// or that is nested deeper than kMaxDepth, is an error; the index means nothing then.
DeviceTreeResult<void> index_device_tree(std::span<const std::byte> blob, DeviceTreeIndex& index);

} // namespace percival
