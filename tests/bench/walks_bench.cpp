// SPDX-License-Identifier: BSD-2-Clause
// Measures reads of 1 to 1024 pages in turn: by a global address each, by a local one, and by both. The more
// pages, the fewer of them have an entry in the TLB. A page that is read by both addresses needs two. With
// `roots=private` CnP is 0; the same reads with `roots=common` are another boot's.
//
// Every address shows the same page, so caches and contiguous hints play no part. Each address depends on the
// value that was read before, so that no walk overlaps the next one.
#include "kernel/selftest/benchmark.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vmap.hpp"

#include <array>

namespace percival {
namespace {

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
constexpr u64 kMostPages = 1024;
constexpr u64 kReadsPerSample = kMostPages;
constexpr u64 kCountedTurns = 8;
// Odd, so that all pages of a power of two have their turn, and far enough to be no neighbours.
constexpr u64 kStride = 613;

enum class Addresses : u8 { Global, Local, Both };

// At the end of what the first entry of the window maps: far from the percpu allocator's chunks. There, and
// with the smallest windows nowhere, only this CPU's root has to be changed.
constexpr Bytes kOfFirstEntry = mm::KernelGeometry::entry_size(mm::KernelLayout::kPrivateLevel);
constexpr bool kHasRoom = kOfFirstEntry >= kPage * kMostPages * 2;
constexpr VirtAddr kLocal =
    mm::KernelLayout::kLocalPercpu.base + (kHasRoom ? kOfFirstEntry - kPage * kMostPages : Bytes{0});

// One page at kMostPages global addresses, and at as many local ones of this CPU.
class OnePage : Immovable {
public:
    OnePage() : page_{mm::allocate_zeroed_page()}
    {
        if (!page_)
            return;
        static constinit std::array<PhysAddr, kMostPages> list{};
        list.fill(*page_);
        const auto mapped = mm::vmap(list, mm::kData);
        if (!mapped)
            return;
        global_ = *mapped;
        has_local_ =
            kHasRoom && !percpu::roots_are_common() && mm::vmap_range(root(), kLocal, list, mm::kData);
    }
    ~OnePage()
    {
        if (has_local_) {
            static_cast<void>(mm::vunmap_range(root(), kLocalRange));
            mm::flush_vm_range(kLocalRange);
            // With linked windows this CPU's slab shows the same pages.
            mm::flush_vm_range({mm::local_to_global(kLocal, kBootCpu), kLocalRange.size});
        }
        mm::vunmap(global_);
        mm::flush_freed();
        if (page_)
            mm::free_page(*page_);
    }

    bool has(Addresses addresses) const
    {
        return global_ != nullptr && (addresses == Addresses::Global || has_local_);
    }
    VirtAddr global() const { return address_of(global_); }

private:
    static constexpr VirtRange kLocalRange{kLocal, kPage* kMostPages};
    static PhysAddr root() { return mm::cpu_root(kBootCpu); }

    std::optional<PhysAddr> page_;
    void* global_{nullptr};
    bool has_local_{false};
};

// Reads each of `pages` pages once, or by both of its addresses.
struct ReadsInTurn {
    u64 base;
    u64 to_second; // 0: no second address
    u64 pages;

    void operator()() const
    {
        u64 index = 0;
        for (u64 page = 0; page < pages; ++page) {
            // SAFETY: OnePage maps all these addresses, and the page holds zeroes.
            const auto* const at = reinterpret_cast<const volatile u64*>(base + index * kPage.count());
            u64 zero = *at;
            if (to_second != 0)
                zero =
                    *reinterpret_cast<const volatile u64*>(base + to_second + index * kPage.count() + zero);
            index = (index + kStride + zero) & (pages - 1);
        }
    }
};

BenchmarkResult read_pages(Addresses addresses, u64 pages)
{
    if (addresses != Addresses::Global && percpu::roots_are_common())
        return {.hundredths = 0, .missing = "all CPUs are on one root"};
    if (addresses != Addresses::Global && !kHasRoom)
        return {.hundredths = 0, .missing = "the first entry of the local window maps too little"};
    const OnePage page;
    if (!page.has(addresses))
        return {.hundredths = 0, .missing = "there is no memory for its tables"};
    const u64 first = addresses == Addresses::Local ? kLocal.raw() : page.global().raw();
    const u64 distance = addresses == Addresses::Both ? kLocal.raw() - first : 0;
    const ReadsInTurn turn{first, distance, pages};
    const Loop loop = loop_over(turn), empty = loop_over(kNothing);
    const u64 reads = addresses == Addresses::Both ? 2 * pages : pages;
    const u64 with = instructions_of_loop(loop, kCountedTurns);
    const u64 without = instructions_of_loop(empty, kCountedTurns);
    const BenchmarkResult turn_costs{.hundredths = (with - std::min(with, without)) * 100 / kCountedTurns,
                                     .cost = cost_of_loop(loop, empty, kReadsPerSample / pages)};
    return turn_costs.divided_by(reads);
}

#define PERCIVAL_WALKS(pages)                        \
    PERCIVAL_BENCHMARK(walk_global_##pages, None)    \
    {                                                \
        return read_pages(Addresses::Global, pages); \
    }                                                \
    PERCIVAL_BENCHMARK(walk_local_##pages, None)     \
    {                                                \
        return read_pages(Addresses::Local, pages);  \
    }                                                \
    PERCIVAL_BENCHMARK(walk_both_##pages, None)      \
    {                                                \
        return read_pages(Addresses::Both, pages);   \
    }

PERCIVAL_WALKS(1)
PERCIVAL_WALKS(2)
PERCIVAL_WALKS(4)
PERCIVAL_WALKS(8)
PERCIVAL_WALKS(16)
PERCIVAL_WALKS(32)
PERCIVAL_WALKS(64)
PERCIVAL_WALKS(128)
PERCIVAL_WALKS(256)
PERCIVAL_WALKS(512)
PERCIVAL_WALKS(1024)

#undef PERCIVAL_WALKS

} // namespace
} // namespace percival
