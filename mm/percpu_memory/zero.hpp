// SPDX-License-Identifier: BSD-2-Clause
// Zeroes an allocation on every possible CPU, through its global addresses. Only this part of an allocation
// takes longer with more CPUs. Any context.
#pragma once

#include "arch/cpu/zero_page.hpp"
#include "mm/percpu/area.hpp"

#include <atomic>

namespace percival::percpu {

namespace zero_detail {

// Calls zero(u64 address) for each CPU's copy.
template <class Zero>
[[gnu::always_inline]] inline void on_all_cpus(VirtAddr local, Zero zero)
{
    u64 at = mm::local_to_global(local, kBootCpu).raw();
    const u64 end = at + (u64{possible_cpu_count()} << mm::KernelLayout::kSlabShift);
#pragma clang loop unroll(disable)
    for (; at != end; at += mm::KernelLayout::kSlabSize.count())
        zero(at);
}

template <class Word, u32 Words>
[[gnu::always_inline]] inline void store_zeroes(VirtAddr local)
{
    on_all_cpus(local, [](u64 at) {
        for (u32 word = 0; word < Words; ++word)
            // SAFETY: `at` is aligned to the size of the allocation, which has `Words` words.
            std::atomic_ref{reinterpret_cast<Word*>(at)[word]}.store(0, std::memory_order_relaxed);
    });
}

} // namespace zero_detail

// Zeroes every possible CPU's copy of [local, local + size). `size` is a power of two of at least a grain,
// and `local` a multiple of it. The code branches on the size once, not for each CPU.
[[gnu::always_inline]] inline void zero_on_all_cpus(VirtAddr local, Bytes size)
{
    using namespace zero_detail;
    switch (size.count()) {
    case 4:
        return store_zeroes<u32, 1>(local);
    case 8:
        return store_zeroes<u64, 1>(local);
    case 16:
        return store_zeroes<u64, 2>(local);
    case 32:
        return store_zeroes<u64, 4>(local);
    case 64:
        return on_all_cpus(local, [](u64 at) { arch::zero_lines(at, 64); });
    case 4096:
        return on_all_cpus(local, [](u64 at) { arch::zero_lines(at, 4096); });
    default:
        return on_all_cpus(local, [size](u64 at) { arch::zero_lines(at, size.count()); });
    }
}

} // namespace percival::percpu
