// SPDX-License-Identifier: BSD-2-Clause
#include "boot/flat_tree/stub_tree.hpp"

#include "boot/flat_tree/structure_reader.hpp"

namespace percival::boot {

bool is_stub_tree(std::span<const std::byte> tree)
{
    flat_tree::StructureReader structure{tree};
    bool must_be_xen = false; // the node's properties come before its nodes
    for (u32 depth = 0;;) {
        const u64 token = structure.token();
        if (must_be_xen && (token == device_tree::kBeginNode || token == device_tree::kEndNode))
            return false;
        switch (token) {
        case device_tree::kBeginNode: {
            const std::string_view name = structure.node_name();
            must_be_xen = depth == 1 && name == "hypervisor";
            if (depth == 1 && name != "chosen" && !must_be_xen)
                return false;
            ++depth;
            break;
        }
        case device_tree::kEndNode:
            if (depth == 0)
                return false;
            --depth;
            break;
        case device_tree::kProperty: {
            const auto property = structure.property();
            if (structure.name_of(property) == "compatible" && property.value.place_of("xen,xen"))
                must_be_xen = false;
            break;
        }
        case device_tree::kNothing:
            break;
        case device_tree::kEnd:
            return depth == 0;
        default:
            return false;
        }
    }
}

} // namespace percival::boot
