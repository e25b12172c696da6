// SPDX-License-Identifier: BSD-2-Clause
// Helpers of the tests of vmalloc() and vmap(): they count what is in use after every free has taken effect,
// and sign pages.
#pragma once

#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/device_tree/machine.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vm_spares.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "mm/vmalloc/vmap.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/kernel_space.hpp"

namespace percival {

// Use of memory and addresses after all freed areas are flushed and all CPUs' stocks are empty. Tables that
// were made stay by design, and which are needed depends on how memory is fragmented: they do not count.
struct VmUse {
    Bytes memory; // without the slabs of small objects, and without tables
    Bytes notes;  // the slabs of small objects, among them the notes of areas
    u64 areas;
};

inline VmUse vm_use()
{
    mm::flush_freed();
    release_all_spares();
    drain_all_object_stocks();
    const auto memory = mm::memory_statistics();
    const Bytes tables = kPage * mm::kernel_tables().tables_made();
    return {memory.used - memory.objects - tables, memory.objects, mm::vmalloc_region().areas_in_use()};
}

// Expects the use of `before`, but for a few slabs: the order of frees decides which notes of holes remain,
// and which slabs these keep alive.
inline void expect_same_use(const VmUse& before)
{
    constexpr Bytes kSlabs = kPage * 8;
    const VmUse after = vm_use();
    EXPECT_EQ(after.memory, before.memory);
    EXPECT_EQ(after.areas, before.areas);
    EXPECT(after.notes < before.notes + kSlabs);
}

// Runs `action` twice and expects that the second run keeps nothing.
template <class F>
void expect_nothing_kept(F action)
{
    action();
    const VmUse before = vm_use();
    action();
    expect_same_use(before);
}

// Returns how much memory each CPU may use if all run a test at once. It leaves room for areas that wait for
// a flush.
inline Bytes share_of_memory()
{
    return Bytes{mm::memory_statistics().free.count() / 8 / online_cpu_count()};
}

inline u32 next_random(u32& state)
{
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

// Writes a signature to both ends of each page. If a page is handed out twice, the other owner overwrites it
// with another signature.
inline void sign_pages(void* base, u64 pages, u64 signature)
{
    auto* words = static_cast<volatile u64*>(base);
    for (u64 page = 0; page < pages; ++page) {
        words[page * kWordsPerPage] = signature + page;
        words[(page + 1) * kWordsPerPage - 1] = ~(signature + page);
    }
}

inline bool are_signed(const void* base, u64 pages, u64 signature)
{
    auto* words = static_cast<const volatile u64*>(base);
    u64 wrong = 0;
    for (u64 page = 0; page < pages; ++page) {
        wrong |= words[page * kWordsPerPage] ^ (signature + page);
        wrong |= words[(page + 1) * kWordsPerPage - 1] ^ ~(signature + page);
    }
    return wrong == 0;
}

// Returns a 32-bit register that the interrupt controller has on this machine, and that keeps its value while
// tests run: a GIC's GICD_TYPER (GICv2 4.3.2, GICv3 12.9.39), or the enables of the first core's timers of a
// BCM2836 (QA7, 4.6).
inline PhysAddr some_register()
{
    const InterruptControllerDescription& controller = this_machine().interrupt_controller;
    return controller.kind == InterruptControllerKind::Bcm2836 ? controller.local.base + Bytes{0x40}
                                                               : controller.distributor.base + Bytes{0x4};
}

// Returns device memory that every machine has, to be mapped and not accessed. It begins inside a page and
// crosses the end of a page.
inline PhysRange some_registers()
{
    return {some_register() + Bytes{0x230}, kPage};
}

// Owns an allocation of vmalloc() and frees it at the end of its scope.
class Vmalloced : Immovable {
public:
    explicit Vmalloced(Bytes size, Bytes alignment = Bytes{1})
    {
        if (const auto allocated = mm::vmalloc(size, alignment); EXPECT(allocated.has_value()))
            base_ = *allocated;
    }
    ~Vmalloced() { mm::vfree(base_); }

    explicit operator bool() const { return base_ != nullptr; }
    void* get() const { return base_; }
    VirtAddr address() const { return address_of(base_); }

private:
    void* base_{nullptr};
};

} // namespace percival
