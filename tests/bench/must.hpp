// SPDX-License-Identifier: BSD-2-Clause
// What a measurement cannot do without: memory, a thread.
#pragma once

#include "kernel/lib/panic.hpp"

#include <expected>
#include <utility>

namespace percival {

// Returns what was made, or panics. Any context.
template <class T, class E>
T must(std::expected<T, E> made)
{
    if (!made)
        panic("no memory to measure with");
    return std::move(*made);
}

} // namespace percival
