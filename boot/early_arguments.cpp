// SPDX-License-Identifier: BSD-2-Clause
// Runs with the MMU off, so it is position independent (boot/early.cpp).
#include "boot/early_arguments.hpp"

#include "boot/flat_tree/structure_reader.hpp"

namespace percival::boot {

std::string_view boot_arguments_in(std::span<const std::byte> tree)
{
    constexpr u32 kBelowRoot = 2;
    flat_tree::StructureReader structure{tree};
    u32 depth = 0;
    bool is_chosen = false;
    for (;;) {
        const u64 token = structure.token();
        if (token == device_tree::kBeginNode) {
            const std::string_view name = structure.node_name();
            if (++depth == kBelowRoot)
                is_chosen = name == "chosen";
        } else if (token == device_tree::kEndNode && depth != 0) {
            --depth;
        } else if (token == device_tree::kProperty) {
            const auto property = structure.property();
            if (is_chosen && depth == kBelowRoot && structure.name_of(property) == "bootargs")
                return property.value.text().value_or("");
        } else if (token != device_tree::kNothing) {
            return {};
        }
    }
}

} // namespace percival::boot
