// SPDX-License-Identifier: BSD-2-Clause
// The audit of all mappings finds nothing in the running kernel, and finds each kind of flaw that is planted,
// at its address and under its root.
#include "kernel/cpus/online.hpp"
#include "kernel/inspect/ptdump.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "linker/symbols.hpp"
#include "mm/address_space/fixmap.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/writable_window.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/mapping_audit.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/vmap.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/roots.hpp"

#include <algorithm>
#include <array>

namespace percival {
namespace {

using mm::MappingFlaw;

constexpr u64 kPrivilegedExecuteNever = u64{1} << 53, kUserExecuteNever = u64{1} << 54,
              kUserAccess = u64{1} << 6;

// At the far end of vmalloc, which nothing else uses.
constexpr VirtAddr kAt = KernelLayout::kVmalloc.end() - kPage * 2;

mm::MappingAudit audit_while_tables_stay()
{
    const LinearTablesStay stay;
    return mm::audit_mappings();
}

void expect_no_flaws()
{
    const mm::MappingAudit audit = audit_while_tables_stay();
    print_flaws(audit);
    EXPECT_EQ(audit.flaws, 0u);
    EXPECT(audit.runs > 10);
}

// Expects that the page at `at` under `root`, which maps `to`, has a flaw, and that no other page has one.
void expect_flaw(MappingFlaw flaw, PhysAddr root, VirtAddr at, PhysAddr to)
{
    const mm::MappingAudit audit = audit_while_tables_stay();
    EXPECT_EQ(audit.flaws, 1u);
    ASSERT(!audit.first.empty());
    const mm::FlawedMapping& found = audit.first[0];
    EXPECT(found.flaw == flaw);
    EXPECT_EQ(found.root, root);
    EXPECT_EQ(found.range.base, at);
    EXPECT_EQ(found.range.size, kPage);
    EXPECT_EQ(found.to, to);
}

PERCIVAL_TEST(mapping_audit, finds_no_flaw_in_any_root_of_the_running_kernel)
{
    expect_no_flaws();
}

// Memory that is read-only at each address, of each kind.
std::array<PhysAddr, 8> read_only_pages()
{
    const CpuId last{possible_cpu_count() - 1};
    return {mm::image_to_physical(_text),
            mm::image_to_physical(_erodata) - kPage,
            mm::image_to_physical(_ro_after_init),
            mm::image_to_physical(_ero_after_init) - kPage,
            mm::image_to_physical(&boot::boot_tables.reserved),
            mm::image_to_physical(&boot::boot_tables.idmap),
            mm::master_table_of(KernelLayout::kPrivateLevel),
            mm::private_table(last, KernelLayout::kPrivateLevel)};
}

PERCIVAL_TEST(mapping_audit, finds_a_writable_alias_of_each_kind_of_read_only_memory)
{
    for (const PhysAddr page : read_only_pages()) {
        ASSERT(mm::vmap_range(mm::master_root(), kAt, {&page, 1}, mm::kData).has_value());
        expect_flaw(MappingFlaw::WritableAlias, mm::master_root(), kAt, page);
        unmap({kAt, kPage});
    }
    expect_no_flaws();
}

PERCIVAL_TEST(mapping_audit, allows_a_read_only_alias)
{
    for (const PhysAddr page : read_only_pages()) {
        ASSERT(mm::vmap_range(mm::master_root(), kAt, {&page, 1}, mm::kReadOnlyData).has_value());
        expect_no_flaws();
        unmap({kAt, kPage});
    }
}

// The last page of the local window, and so of the slab, is never used.
PERCIVAL_TEST(mapping_audit, finds_a_writable_alias_in_the_window_of_one_cpu)
{
    SKIP_WITH_COMMON_ROOT();
    constexpr VirtAddr kInWindow = KernelLayout::kLocalPercpu.end() - kPage;
    const PhysAddr page = mm::image_to_physical(_text);
    const PhysAddr root = mm::cpu_root(CpuId{possible_cpu_count() - 1});
    ASSERT(mm::vmap_range(root, kInWindow, {&page, 1}, mm::kData).has_value());
    const mm::MappingAudit audit = audit_while_tables_stay();
    EXPECT(audit.flaws >= 1);
    EXPECT(std::ranges::any_of(audit.first, [&](const mm::FlawedMapping& found) {
        return found.flaw == MappingFlaw::WritableAlias && found.root == root &&
               found.range.base == kInWindow && found.to == page;
    }));
    EXPECT(mm::vunmap_range(root, {kInWindow, kPage}).has_value());
    mm::flush_vm_range({kInWindow, kPage});
    mm::flush_vm_range(
        {mm::local_to_global(kInWindow, CpuId{possible_cpu_count() - 1}), kPage}); // the slab's address
    expect_no_flaws();
}

// Maps a page of data and changes bits of its descriptor, which no caller of the engine can do.
void expect_flaw_with(MappingFlaw flaw, u64 set, u64 clear)
{
    static constinit u64 word = 0;
    const PhysAddr page = mm::image_to_physical(&word).align_down(kPage);
    ASSERT(mm::vmap_range(mm::master_root(), kAt, {&page, 1}, mm::kData).has_value());
    expect_no_flaws();
    Pte* slot = mm::master_table().walk(kAt).slot;
    mm::kernel_tables().store(slot, Pte{(slot->raw() | set) & ~clear});
    mm::kernel_tables().publish();
    if (flaw == MappingFlaw::OpenToUserMode) {
        const mm::MappingAudit audit = audit_while_tables_stay();
        ASSERT(!audit.first.empty());
        EXPECT(audit.first[0].flaw == flaw && audit.first[0].range.base == kAt);
    } else {
        expect_flaw(flaw, mm::master_root(), kAt, page);
    }
    unmap({kAt, kPage});
    expect_no_flaws();
}

PERCIVAL_TEST(mapping_audit, finds_a_page_that_is_writable_and_executable)
{
    expect_flaw_with(MappingFlaw::WritableAndExecutable, 0, kPrivilegedExecuteNever);
}

PERCIVAL_TEST(mapping_audit, finds_a_page_that_user_mode_may_access_or_only_execute)
{
    expect_flaw_with(MappingFlaw::OpenToUserMode, kUserAccess, 0);
    expect_flaw_with(MappingFlaw::OpenToUserMode, 0, kUserExecuteNever);
}

PERCIVAL_TEST(mapping_audit, allows_the_page_of_a_writable_window_while_it_is_open)
{
    const mm::WritableWindow window{mm::image_to_physical(_text)};
    expect_no_flaws();
}

PERCIVAL_TEST(mapping_audit, finds_a_second_alias_while_a_writable_window_is_open)
{
    const PhysAddr page = mm::image_to_physical(_text);
    ASSERT(mm::vmap_range(mm::master_root(), kAt, {&page, 1}, mm::kData).has_value());
    {
        const mm::WritableWindow window{page};
        expect_flaw(MappingFlaw::WritableAlias, mm::master_root(), kAt, page);
    }
    unmap({kAt, kPage});
}

// The page is mapped as a window maps it, but no window is open.
PERCIVAL_TEST(mapping_audit, finds_a_writable_window_that_was_left_open)
{
    const PhysAddr page = mm::image_to_physical(_text);
    ASSERT(mm::master_table().map(mm::kFixmapWritable, page, mm::kData).has_value());
    expect_flaw(MappingFlaw::WritableAlias, mm::master_root(), mm::kFixmapWritable.base, page);
    unmap(mm::kFixmapWritable);
}

// TTBR0 has the reserved root all the time, and walks it from a level that has no blocks. TTBR1 has it only
// while a CPU changes roots. So no address is translated by the planted entry.
PERCIVAL_TEST(mapping_audit, finds_a_leaf_under_the_reserved_root)
{
    const PhysAddr reserved = mm::image_to_physical(&boot::boot_tables.reserved);
    const PhysAddr text =
        mm::image_to_physical(_text).align_down(KernelGeometry::entry_size(KernelGeometry::kRootLevel));
    const mm::WritableWindow window{reserved};
    mm::kernel_tables().store(window.writable<Pte>(),
                              Pte::leaf(text, KernelGeometry::kRootLevel, mm::kReadOnlyData));
    const mm::MappingAudit audit = audit_while_tables_stay();
    mm::kernel_tables().store(window.writable<Pte>(), Pte{});
    mm::kernel_tables().publish();
    EXPECT_EQ(audit.flaws, 1u);
    EXPECT(!audit.first.empty() && audit.first[0].flaw == MappingFlaw::NotEmpty &&
           audit.first[0].root == reserved);
}

} // namespace
} // namespace percival
