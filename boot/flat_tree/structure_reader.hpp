// SPDX-License-Identifier: BSD-2-Clause
// Reads the structure block of a device tree token by token (Devicetree Specification 0.4, 5.4), for code
// that runs before the tree's reader can: libfdt uses absolute addresses. Any bytes will do behind a header
// that is right (device_tree_size()). Boot only, MMU on or off; also on the host.
#pragma once

#include "kernel/device_tree/property.hpp"
#include "kernel/device_tree/tree_format.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace percival::boot::flat_tree {

class StructureReader {
public:
    struct Property {
        u64 name_at;              // name_of()
        DeviceTreeProperty value; // empty if the tree ends before
    };

    explicit StructureReader(std::span<const std::byte> tree)
        : tree_{tree}, at_{header(device_tree::Structure)}, strings_{header(device_tree::Strings)}
    {
    }

    // Returns the next token (tree_format.hpp), or 0, which is none, where the tree ends.
    u64 token() { return next_word().value_or(0); }

    // Returns the name of the node that kBeginNode begins.
    std::string_view node_name()
    {
        const std::string_view name = text_at(at_);
        skip(name.size() + 1);
        return name;
    }

    // Returns the property that kProperty begins.
    Property property()
    {
        const u64 size = next_word().value_or(0);
        const u64 name = next_word().value_or(0);
        const auto rest = tree_.subspan(static_cast<std::size_t>(std::min<u64>(at_, tree_.size())));
        const auto value =
            size <= rest.size() ? rest.first(static_cast<std::size_t>(size)) : std::span<const std::byte>{};
        skip(size);
        return {name, DeviceTreeProperty{value}};
    }

    // Returns the name of a property, which must be searched for its end.
    std::string_view name_of(const Property& property) const { return text_at(strings_ + property.name_at); }

private:
    static constexpr std::size_t kWord = DeviceTreeProperty::kCellBytes;

    u64 header(device_tree::HeaderWord word) const
    {
        const DeviceTreeProperty words{tree_};
        return word < words.cells() ? words.number(word, 1) : 0;
    }
    std::optional<u64> next_word()
    {
        if (at_ > tree_.size() || tree_.size() - at_ < kWord)
            return {};
        const u64 word = DeviceTreeProperty{tree_.subspan(static_cast<std::size_t>(at_), kWord)}.number(0, 1);
        at_ += kWord;
        return word;
    }
    void skip(u64 bytes) { at_ += (bytes + kWord - 1) / kWord * kWord; }
    std::string_view text_at(u64 at) const
    {
        if (at > tree_.size())
            return {};
        return DeviceTreeProperty{tree_.subspan(static_cast<std::size_t>(at))}.text().value_or("");
    }

    std::span<const std::byte> tree_;
    u64 at_; // at most 2^33 beyond the end of the tree
    u64 strings_;
};

} // namespace percival::boot::flat_tree
