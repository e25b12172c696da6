// SPDX-License-Identifier: BSD-2-Clause
// The machine's version of mm/objects/small_objects.hpp: the host's memory, which ASan watches.
#pragma once

#include "kernel_machine/support/aside.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace percival::testing {

void* take_object(std::size_t size);
void give_object_back(void* object);

} // namespace percival::testing

namespace percival::mm {

template <class T, class... Args>
[[nodiscard]] T* create(Args&&... args)
{
    const testing::Aside aside;
    return new (testing::take_object(sizeof(T))) T(std::forward<Args>(args)...);
}

template <class T>
void destroy(T* object)
{
    if (object == nullptr)
        return;
    const testing::Aside aside;
    object->~T();
    testing::give_object_back(object);
}

void drain_object_stock();

struct Destroy {
    template <class T>
    void operator()(T* object) const
    {
        destroy(object);
    }
};

template <class T>
using Owned = std::unique_ptr<T, Destroy>;

} // namespace percival::mm
