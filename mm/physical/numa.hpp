// SPDX-License-Identifier: BSD-2-Clause
// NUMA nodes: which memory is near which CPU. The device tree gives both the same number (numa-node-id). Any
// context.
//
// Distances are not known: a CPU prefers its own node, and treats all other nodes as equally far.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::mm {

class NumaNode {
public:
    constexpr NumaNode() = default;
    constexpr explicit NumaNode(u32 number) : number_{number} {}
    constexpr u32 number() const { return number_; }
    friend constexpr auto operator<=>(NumaNode, NumaNode) = default;

private:
    u32 number_{0};
};

} // namespace percival::mm
