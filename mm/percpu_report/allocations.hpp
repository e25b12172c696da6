// SPDX-License-Identifier: BSD-2-Clause
// What the percpu allocator tells the shadow about an object. In a build without a shadow, these functions do
// nothing. Any context.
#pragma once

#include "kernel/options/percpu_shadow.hpp"
#include "mm/percpu_report/records.hpp"
#include "mm/percpu_shadow/objects.hpp"

namespace percival::percpu::shadow {

// A place of `rounded` bytes has left the free ones: the allocator may write to it.
[[gnu::always_inline]] inline void note_place([[maybe_unused]] VirtAddr local, [[maybe_unused]] Bytes rounded)
{
    if constexpr (kPercpuShadow)
        allocate_object(local, rounded, rounded, State::Written);
}

// The caller gets an object of `size` bytes in that place. Its bytes have the state `fill`, and those behind
// it are nobody's.
[[gnu::always_inline]] inline void note_object([[maybe_unused]] VirtAddr local, [[maybe_unused]] Bytes size,
                                               [[maybe_unused]] Bytes rounded, [[maybe_unused]] State fill)
{
    if constexpr (kPercpuShadow) {
        allocate_object(local, size, rounded, fill);
        record_allocation(local);
    }
}

// The object at `local` is freed; nobody else has its place yet.
[[gnu::always_inline]] inline void note_free([[maybe_unused]] VirtAddr local)
{
    if constexpr (kPercpuShadow) {
        free_object(local);
        record_free(local);
    }
}

} // namespace percival::percpu::shadow
