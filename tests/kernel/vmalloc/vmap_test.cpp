// SPDX-License-Identifier: BSD-2-Clause
// vmap() and ioremap(), and vmap_range() underneath, which works on any root.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/roots.hpp"
#include "tests/kernel/support/vm_support.hpp"

#include <array>
#include <span>

namespace percival {
namespace {

using mm::MapError;
using mm::VmError;

// Owns a block of pages. `list` holds their addresses, in an order that the test may change.
template <u64 Count>
struct Pages : Immovable {
    static constexpr mm::PageOrder kOrder = mm::order_for(kPage * Count, kPage);
    Pages() : block{mm::allocate_pages(kOrder)}
    {
        for (u64 index = 0; EXPECT(block.has_value()) && index < Count; ++index)
            list[index] = *block + kPage * index;
    }
    ~Pages()
    {
        if (block)
            mm::free_pages(*block, kOrder);
    }
    explicit operator bool() const { return block.has_value(); }

    std::optional<PhysAddr> block;
    std::array<PhysAddr, Count> list{};
};

volatile u64& word_of(PhysAddr page)
{
    return *mm::linear_pointer<volatile u64>(page);
}

PERCIVAL_TEST(vmap, scattered_pages_appear_in_their_order_and_stay_the_callers)
{
    Pages<20> pages;
    ASSERT(pages);
    std::ranges::reverse(pages.list);
    expect_nothing_kept([&pages] {
        for (u64 index = 0; index < 20; ++index)
            word_of(pages.list[index]) = 100 + index;
        const auto mapped = mm::vmap(pages.list, mm::kData);
        ASSERT(mapped.has_value());
        const VirtAddr base = address_of(*mapped);
        for (u64 index = 0; index < 20; ++index) {
            EXPECT_EQ(word_at(base + kPage * index), 100 + index);
            word_at(base + kPage * index) = 200 + index;
        }
        EXPECT(is_a_hole(base - Bytes{1}) && is_a_hole(base + kPage * 20));
        mm::vunmap(*mapped);
        mm::flush_freed();
        EXPECT(is_a_hole(base) && is_a_hole(base + kPage * 19));
        for (u64 index = 0; index < 20; ++index)
            EXPECT_EQ(word_of(pages.list[index]), 200 + index);
    });
}

PERCIVAL_TEST(vmap, only_pages_that_form_a_run_get_the_contiguous_hint)
{
    Pages<kRun * 2> pages;
    ASSERT(pages);
    // In the second half two pages are swapped, so that it is not a run.
    std::swap(pages.list[kRun * 2 - 1], pages.list[kRun * 2 - 2]);
    const auto mapped = mm::vmap(pages.list, mm::kReadOnlyData);
    ASSERT(mapped.has_value());
    u64 wrong = 0;
    for (u64 index = 0; index < kRun * 2; ++index) {
        const auto walk = mm::master_table().walk(address_of(*mapped) + kPage * index);
        wrong += walk.is_in_run() != (index < kRun) || walk.pte.address() != pages.list[index];
    }
    EXPECT_EQ(wrong, 0u);
    mm::vunmap(*mapped);
    // These pages are contiguous but do not begin at a multiple of a run.
    const auto shifted = mm::vmap(std::span{pages.list}.subspan(1, kRun), mm::kReadOnlyData);
    ASSERT(shifted.has_value());
    EXPECT(!mm::master_table().walk(address_of(*shifted)).is_in_run());
    mm::vunmap(*shifted);
    mm::flush_freed();
}

PERCIVAL_TEST(vmap, protection_is_enforced)
{
    Pages<1> page;
    ASSERT(page);
    const auto mapped = mm::vmap(page.list, mm::kReadOnlyData);
    ASSERT(mapped.has_value());
    const auto fault =
        arch::catch_fault([](void* target) { *static_cast<volatile u64*>(target) = 1; }, *mapped);
    EXPECT(fault && arch::fault_status(fault->esr).kind == arch::FaultKind::Permission);
    mm::vunmap(*mapped);
    mm::flush_freed();
}

PERCIVAL_TEST(vmap, impossible_mapping_is_refused_and_leaks_nothing)
{
    const auto error_of = [](std::span<const PhysAddr> pages) {
        const auto mapped = mm::vmap(pages, mm::kReadOnlyData);
        return mapped ? std::nullopt : std::optional{mapped.error()};
    };
    Pages<40> pages;
    ASSERT(pages);
    const VmUse before = vm_use();
    EXPECT(error_of({}) == VmError::BadSize);
    for (const u64 count : {2u, 40u}) { // through the area's known slots, and by a walk
        pages.list[1] += Bytes{8};
        EXPECT(error_of(std::span{pages.list}.first(count)) == VmError::BadAddress);
        pages.list[1] = PhysAddr{mm::kLinearOutput.count()};
        EXPECT(error_of(std::span{pages.list}.first(count)) == VmError::BadAddress);
        pages.list[1] = *pages.block;
    }
    expect_same_use(before);
}

// The test maps another page here in each CPU's root: in the local window, above the memory that is mapped at
// boot.
constexpr VirtAddr kLocal = mm::KernelLayout::kLocalPercpu.base +
                            mm::KernelGeometry::entry_size(mm::KernelLayout::kPrivateLevel) - kPage * 2;
constinit std::array<PhysAddr, kMaxCpus> page_of_cpu{};

// Unmaps kLocal in the root of `cpu` and flushes both addresses of the page: the window shows the CPU's slab,
// so the page has a global address too (mm/percpu/area.hpp).
void unmap_local_page(CpuId cpu)
{
    EXPECT(mm::vunmap_range(mm::cpu_root(cpu), {kLocal, kPage}).has_value());
    mm::flush_vm_range({kLocal, kPage});
    mm::flush_vm_range({mm::local_to_global(kLocal, cpu), kPage});
}

PERCIVAL_TEST(vmap, one_address_can_map_another_page_in_each_root)
{
    SKIP_WITH_COMMON_ROOT();
    for_each_online_cpu([](CpuId cpu) {
        const auto page = mm::allocate_page();
        ASSERT(page.has_value());
        page_of_cpu[cpu.index()] = *page;
        word_of(*page) = 1000 + cpu.index();
        EXPECT(mm::vmap_range(mm::cpu_root(cpu), kLocal, {&*page, 1}, mm::kData).has_value());
        const auto again = mm::vmap_range(mm::cpu_root(cpu), kLocal, {&*page, 1}, mm::kData);
        EXPECT(!again && again.error() == MapError::AlreadyMapped);
    });
    run_everywhere([](CpuId cpu) { EXPECT_EQ(word_at(kLocal), 1000 + cpu.index()); });
    EXPECT(!mm::master_table().walk(kLocal).is_in_run() &&
           mm::master_table().walk(kLocal).kind() == mm::PteKind::Invalid);
    // The pages are unmapped one after the other, without effect on the others.
    for_each_online_cpu([](CpuId gone) {
        unmap_local_page(gone);
        run_everywhere([gone](CpuId cpu) {
            if (cpu <= gone)
                EXPECT(is_a_hole(kLocal));
            else
                EXPECT_EQ(word_at(kLocal), 1000 + cpu.index());
        });
        mm::free_page(page_of_cpu[gone.index()]);
    });
}

PERCIVAL_TEST(vmap, ranges_are_unmapped_in_whole_leaves_or_not_at_all)
{
    Pages<kRun + 1> pages;
    ASSERT(pages);
    const auto area = mm::vmalloc_region().allocate(kPage * (kRun + 2), kPage * kRun);
    ASSERT(area.has_value());
    const VirtRange range{(*area)->range.base, kPage * (kRun + 1)};
    const auto unmapping = [](VirtAddr base, Bytes size) {
        const auto result = mm::vunmap_range(mm::master_root(), {base, size});
        return result ? std::nullopt : std::optional{result.error()};
    };
    const auto mapping = [](VirtAddr at, std::span<const PhysAddr> list) {
        const auto result = mm::vmap_range(mm::master_root(), at, list, mm::kReadOnlyData);
        return result ? std::nullopt : std::optional{result.error()};
    };
    EXPECT(mapping(range.base + Bytes{8}, pages.list) == MapError::Misaligned);
    EXPECT(!mapping(range.base, pages.list)); // maps a run and a page
    EXPECT(mapping(range.end() - kPage, pages.list) == MapError::AlreadyMapped);
    EXPECT(unmapping(range.base, kPage) == MapError::NotMapped);              // only a part of the run
    EXPECT(unmapping(range.base, range.size + kPage) == MapError::NotMapped); // a hole as well
    EXPECT(unmapping(range.base, range.size - Bytes{8}) == MapError::Misaligned);
    EXPECT(arch::translate(range.base).valid && arch::translate(range.end() - kPage).valid);
    EXPECT(!unmapping(range.end() - kPage, kPage));
    EXPECT(!unmapping(range.base, kPage * kRun));
    mm::flush_vm_range(range);
    EXPECT(is_a_hole(range.base) && is_a_hole(range.end() - kPage));
    mm::vmalloc_region().free(**area);
}

// Reads a register through mappings that begin at it or before it.
PERCIVAL_TEST(vmap, registers_are_reached_wherever_the_mapping_begins_and_ends)
{
    const PhysAddr before = some_register() - Bytes{4};
    const auto whole = mm::ioremap({before, Bytes{8}});
    ASSERT(whole.has_value());
    const u32 value = *reinterpret_cast<volatile u32*>((*whole + Bytes{4}).raw());
    expect_nothing_kept([before, value] {
        for (const u64 offset : {4u, 3u, 1u}) {
            for (const Bytes size : {Bytes{1}, Bytes{8}, kPage, kPage + Bytes{1}}) {
                const auto part = mm::ioremap({before + Bytes{offset}, size});
                ASSERT(part.has_value());
                const u64 in_page = (before.raw() + offset) % kPage.count();
                EXPECT_EQ((*part).raw() % kPage.count(), in_page);
                EXPECT_EQ(*reinterpret_cast<volatile u32*>((*part + Bytes{4 - offset}).raw()), value);
                const Bytes mapped =
                    (size.count() + in_page > kPage.count() ? kPage * 2 : kPage) - Bytes{in_page};
                EXPECT(arch::translate(*part + mapped - Bytes{1}).valid);
                EXPECT(is_a_hole(*part + mapped));
                mm::iounmap(*part);
                mm::flush_freed();
                EXPECT(is_a_hole(*part));
            }
        }
    });
    EXPECT(mm::master_table().walk(*whole).pte.attributes() == mm::kDeviceRegisters);
    mm::iounmap(*whole);
}

PERCIVAL_TEST(vmap, impossible_register_ranges_are_refused)
{
    const VmUse before = vm_use();
    const auto error_of = [](PhysRange registers) {
        const auto mapped = mm::ioremap(registers);
        return mapped ? std::nullopt : std::optional{mapped.error()};
    };
    EXPECT(error_of({PhysAddr{0}, Bytes{0}}) == VmError::BadSize);
    EXPECT(error_of({PhysAddr{} - kPage, kPage}) == VmError::BadAddress); // does not fit into a descriptor
    EXPECT(error_of({PhysAddr{u64{1} << 52}, kPage}) == VmError::BadAddress);
    EXPECT(error_of({PhysAddr{} - kPage, kPage * 2}) ==
           VmError::BadAddress); // crosses the end of all addresses
    expect_same_use(before);
}

} // namespace
} // namespace percival
