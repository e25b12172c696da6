// SPDX-License-Identifier: BSD-2-Clause
#include "boot/flat_tree/stub_tree.hpp"

#include "boot/flat_tree/structure_reader.hpp"

namespace percival::boot {

bool is_stub_tree(std::span<const std::byte> tree)
{
    flat_tree::StructureReader structure{tree};
    for (u32 depth = 0;;) {
        switch (structure.token()) {
        case flat_tree::kBeginNode: {
            const std::string_view name = structure.node_name();
            if (depth == 1 && name != "chosen" && name != "hypervisor")
                return false;
            ++depth;
            break;
        }
        case flat_tree::kEndNode:
            if (depth == 0)
                return false;
            --depth;
            break;
        case flat_tree::kProperty:
            structure.property();
            break;
        case flat_tree::kNothing:
            break;
        case flat_tree::kEnd:
            return depth == 0;
        default:
            return false;
        }
    }
}

} // namespace percival::boot
