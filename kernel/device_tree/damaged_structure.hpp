// SPDX-License-Identifier: BSD-2-Clause
// Reads the structure block of a damaged device tree, token by token, and repairs what it can: a token by
// what follows it, a length by the next token that makes sense. It goes on at the next word where nothing
// does. Any bytes will do: it reads nothing outside of them, and takes a time proportional to their number.
// Like all of kernel/device_tree/salvage.hpp it needs no library and no table in memory. Tokens are compared
// instead of switched on: the table of a switch may be in a part of the image that is missing.
#pragma once

#include "kernel/device_tree/property.hpp"
#include "kernel/device_tree/tree_format.hpp"

#include <span>
#include <string_view>

namespace percival {

class DamagedStructure {
public:
    using Value = std::span<const std::byte>;

    // The strings, which are the names of properties, lie where the header says or behind the structure, as
    // in the blobs of dtc and of U-Boot.
    explicit DamagedStructure(Value blob);

    // Calls begin_node(name) and end_node() for each node, and between them property(name, value) for each of
    // its properties. A node whose name is damaged is called "?".
    template <class BeginVisitor, class PropertyVisitor, class EndVisitor>
    void walk(BeginVisitor begin_node, PropertyVisitor property, EndVisitor end_node) const;

    // Calls property(name, value) for each property of any node.
    template <class PropertyVisitor>
    void for_each_property(PropertyVisitor property) const
    {
        walk([](std::string_view) {}, property, [] {});
    }

private:
    static constexpr std::size_t kWord = DeviceTreeProperty::kCellBytes;

    static constexpr std::size_t align_up(std::size_t at) { return (at + kWord - 1) & ~(kWord - 1); }
    static bool is_node_name(std::string_view name);

    std::size_t strings_behind_structure() const;
    // Returns how often the name that most nodes have is met. It is the more often, the more of the names are
    // where they are taken to be; some are there by chance.
    std::size_t known_names() const;

    u64 word(std::size_t at) const;
    bool is_token(std::size_t at) const;
    // Returns the name from `at` to its NUL; empty if there is no NUL where one has to be.
    std::string_view name_at(std::size_t at) const;
    // Returns the token at `at`, or the one that must have been there by what follows it, if it is damaged.
    u64 repaired_token(std::size_t at) const;
    // Returns whether what is at `at` may follow the token.
    bool fits(u64 token, std::size_t at) const;
    // The name and the value of the property whose length is at `at`. A value without data is no value.
    std::string_view property_name(std::size_t at) const;
    Value property_value(std::size_t at) const;
    // Returns whether a node begins in these bytes, so that they are no value.
    bool has_node(std::size_t from, std::size_t end) const;
    // Returns whether a token at `at` is followed by what has to follow it, and no length has to be repaired.
    bool is_followed_well(std::size_t at) const;
    // Returns where the structure begins: where the header says, if a node begins there, or else at the first
    // node without a name, as the root has none.
    std::size_t structure() const;

    Value blob_;
    std::size_t strings_;
};

template <class BeginVisitor, class PropertyVisitor, class EndVisitor>
void DamagedStructure::walk(BeginVisitor begin_node, PropertyVisitor property, EndVisitor end_node) const
{
    bool in_step = true; // a token is due
    for (std::size_t at = structure(); at + kWord <= blob_.size();) {
        const u64 token = in_step ? repaired_token(at) : word(at);
        at += kWord;
        const bool begins_node = token == device_tree::kBeginNode && (in_step || is_node_name(name_at(at)));
        in_step = fits(token, at) ||
                  (in_step && token == device_tree::kEndNode); // whatever has become of the next one
        if (begins_node) { // even if its name is damaged, or what follows it
            const std::string_view name = in_step ? name_at(at) : "?";
            begin_node(name);
            at += in_step ? align_up(name.size() + 1) : 0;
        } else if (!in_step) {
            continue;
        } else if (token == device_tree::kEndNode) {
            end_node();
        } else if (token == device_tree::kProperty) {
            const Value value = property_value(at);
            property(property_name(at), value);
            at = align_up(at + 2 * kWord + value.size());
        }
    }
}

} // namespace percival
