// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of arch/cpu/barrier.hpp.
#pragma once

#include "arch/simulation/simulation.hpp"
#include "memory_order/support/order_explorer.hpp"

namespace percival::arch {

template <Shareability S, Access A = Access::Any>
inline void dmb()
{
    constexpr auto kFence = A == Access::Any    ? testing::Fence::Full
                            : A == Access::Load ? testing::Fence::Acquire
                                                : testing::Fence::Release;
    testing::order_explorer().fence(kFence, __builtin_frame_address(0));
}

// Stores are complete when they are visible.
template <Shareability S, Access A = Access::Any>
inline void dsb()
{
    constexpr auto kFence = A == Access::Any    ? testing::Fence::Full
                            : A == Access::Load ? testing::Fence::Acquire
                                                : testing::Fence::Stores;
    testing::order_explorer().fence(kFence, __builtin_frame_address(0));
}

inline void isb() {}

} // namespace percival::arch
