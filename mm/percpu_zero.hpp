// SPDX-License-Identifier: BSD-2-Clause
// Zeroing an allocation on every possible CPU, through its global addresses. Any context.
#pragma once

#include "arch/zero_page.hpp"
#include "mm/percpu_area.hpp"

namespace percival::mm {

namespace percpu_zero_detail {

// A multiple of a grain, as aligned as a power of two of that size is.
[[gnu::always_inline]] inline void zero(u64 at, Bytes size)
{
    if (size.count() >= 64)
        return arch::zero_lines(at, size.count());
    u64 offset = 0;
    for (; offset + 8 <= size.count(); offset += 8)
        __atomic_store_n(reinterpret_cast<u64*>(at + offset), 0, __ATOMIC_RELAXED);
    if (offset != size.count())
        __atomic_store_n(reinterpret_cast<u32*>(at + offset), 0, __ATOMIC_RELAXED);
}

} // namespace percpu_zero_detail

// `size`: a multiple of a grain; a power of two from 64 bytes on if it is at a multiple of that.
[[gnu::always_inline]] inline void zero_on_all_cpus(VirtAddr local, Bytes size)
{
    u64 at = local_to_global(local, kBootCpu).raw();
    const u64 end = at + (u64{possible_cpu_count()} << KernelLayout::kSlabShift);
#pragma clang loop unroll(disable)
    for (; at != end; at += KernelLayout::kSlabSize.count())
        percpu_zero_detail::zero(at, size);
}

} // namespace percival::mm
