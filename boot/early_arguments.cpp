// SPDX-License-Identifier: BSD-2-Clause
// Runs with the MMU off, so it is position independent (boot/early.cpp).
#include "boot/early_arguments.hpp"

#include "kernel/device_tree/header_words.hpp"
#include "kernel/device_tree/property.hpp"

#include <optional>

namespace percival::boot {
namespace {

// The structure block of a tree, token by token (Devicetree Specification 0.4, 5.4).
class Structure {
public:
    static constexpr u64 kBeginNode = 1, kEndNode = 2, kProperty = 3, kNop = 4, kEnd = 9;

    struct Property {
        std::string_view name;
        std::string_view text; // empty if it is none
    };

    explicit Structure(std::span<const std::byte> tree)
        : tree_{tree}, at_{header(device_tree::Structure)}, strings_{header(device_tree::Strings)}
    {
    }

    // Returns the next token, or kEnd where there is none.
    u64 next() { return next_word().value_or(kEnd); }

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
        const auto value = at_;
        skip(size);
        const std::string_view text = text_at(value);
        return {text_at(strings_ + name), text.size() < size ? text : std::string_view{}};
    }

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

} // namespace

std::string_view boot_arguments_in(std::span<const std::byte> tree)
{
    constexpr u32 kBelowRoot = 2;
    Structure structure{tree};
    u32 depth = 0;
    bool is_chosen = false;
    for (u64 token = structure.next();; token = structure.next()) {
        if (token == Structure::kBeginNode) {
            const std::string_view name = structure.node_name();
            if (++depth == kBelowRoot)
                is_chosen = name == "chosen";
        } else if (token == Structure::kEndNode && depth != 0) {
            --depth;
        } else if (token == Structure::kProperty) {
            const Structure::Property property = structure.property();
            if (is_chosen && depth == kBelowRoot && property.name == "bootargs")
                return property.text;
        } else if (token != Structure::kNop) {
            return {};
        }
    }
}

} // namespace percival::boot
