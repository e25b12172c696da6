// SPDX-License-Identifier: BSD-2-Clause
// The explorer's version of mm/objects/small_objects.hpp: each CPU makes a few objects, and none twice.
#pragma once

#include "memory_order/support/order_explorer.hpp"

#include <array>
#include <cstddef>
#include <new>

namespace percival::mm {

template <class T>
[[nodiscard]] T* create()
{
    constexpr u32 kObjects = 4;
    struct Room {
        alignas(T) std::array<std::byte, sizeof(T)> bytes;
    };
    static constinit std::array<std::array<Room, kObjects>, testing::OrderExplorer::kMaxCpus> rooms{};
    static constinit std::array<u32, testing::OrderExplorer::kMaxCpus> taken{};
    const u32 cpu = testing::order_explorer().executing();
    return taken[cpu] == kObjects ? nullptr : new (rooms[cpu][taken[cpu]++].bytes.data()) T;
}

template <class T>
void destroy(T* object)
{
    object->~T();
    testing::order_explorer().say_gone(object, sizeof(T));
}

} // namespace percival::mm
