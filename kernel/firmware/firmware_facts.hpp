// SPDX-License-Identifier: BSD-2-Clause
// What firmware says of the machine beside its device tree. Empty if the loader had nothing but the tree.
#pragma once

#include "kernel/lib/address.hpp"

#include <span>
#include <string_view>

namespace percival {

struct FirmwareFacts {
    // All memory that the kernel may use, in order of the addresses; empty: the tree says it.
    std::span<const PhysRange> memory{};
    // Take the place of the tree's; empty: the tree's count.
    std::string_view boot_arguments{};
    // Joins those of the tree; 0: none.
    u64 random_seed{0};

    // Returns the arguments that count, given those of the tree.
    constexpr std::string_view arguments_or(std::string_view of_tree) const
    {
        return boot_arguments.empty() ? of_tree : boot_arguments;
    }
};

} // namespace percival
