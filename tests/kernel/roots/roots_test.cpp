// SPDX-License-Identifier: BSD-2-Clause
// Every CPU runs on its own root, roots differ only in the local percpu window, and no store can change them.
#include "arch/cpu/processor.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "arch/exceptions/exception_syndrome.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/inspect/ptdump.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu/window.hpp"
#include "mm/roots/completeness.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/roots.hpp"

namespace percival {
namespace {

constexpr VirtAddr kWindow = KernelLayout::kLocalPercpu.base;
constexpr u64 kWindowIndex = KernelGeometry::index(KernelLayout::kPrivateLevel, kWindow);

// Returns the table of `level` on the way from `root` to the local window.
const Pte* table_towards_window(PhysAddr root, Level level)
{
    mm::KernelPageTable table{root, mm::kernel_tables()};
    return table.walk_to(kWindow, level).slot - KernelGeometry::index(level, kWindow);
}

// Calls `visit(Level)` for each level that has private tables.
template <class Visit>
void for_each_private_level(Visit visit)
{
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel; level = level.down())
        visit(level);
}

bool is_window_entry(u64 index)
{
    const u64 shadow = KernelGeometry::index(KernelLayout::kPrivateLevel, KernelLayout::kLocalShadow.base);
    return (index >= kWindowIndex && index < kWindowIndex + KernelLayout::kWindowEntries) ||
           (kPercpuShadow && index >= shadow && index < shadow + KernelLayout::kWindowEntries);
}

PERCIVAL_TEST(roots, ttbr1_is_the_cpus_own_root_on_every_cpu)
{
    SKIP_WITH_COMMON_ROOT();
    run_everywhere([](CpuId cpu) {
        for_each_online_cpu([cpu](CpuId other) {
            EXPECT(arch::runs_on_root(mm::root_register(mm::cpu_root(other))) == (cpu == other));
        });
    });
}

PERCIVAL_TEST(roots, no_two_cpus_share_a_root)
{
    SKIP_WITH_COMMON_ROOT();
    for_each_online_cpu([](CpuId a) {
        EXPECT(mm::cpu_root(a) != mm::master_root());
        for_each_online_cpu([a](CpuId b) { EXPECT((mm::cpu_root(a) == mm::cpu_root(b)) == (a == b)); });
    });
}

PERCIVAL_TEST(roots, common_not_private_is_0_on_every_cpu)
{
    SKIP_WITH_COMMON_ROOT();
    run_everywhere([](CpuId) { EXPECT(!arch::root_is_common_not_private()); });
}

PERCIVAL_TEST(roots, agree_with_the_master_in_every_entry_but_local_percpu)
{
    SKIP_WITH_COMMON_ROOT();
    for_each_online_cpu([](CpuId cpu) {
        for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel;
             level = level.down()) {
            const Pte* own = table_towards_window(mm::cpu_root(cpu), level);
            const Pte* master = table_towards_window(mm::master_root(), level);
            EXPECT(own != master);
            u64 differing = 0;
            for (u64 index = 0; index < KernelGeometry::entries(level); ++index) {
                const bool on_the_path = level == KernelLayout::kPrivateLevel
                                             ? is_window_entry(index)
                                             : index == KernelGeometry::index(level, kWindow);
                if (!on_the_path && own[index] != master[index])
                    ++differing;
            }
            EXPECT_EQ(differing, 0u);
        }
    });
}

PERCIVAL_TEST(roots, linked_window_has_the_descriptors_of_its_own_cpus_slab)
{
    if (percpu::window != percpu::Window::Linked)
        SKIP("the windows have tables of their own (percpu.window=mapped), or are not there (roots=common)");
    for_each_online_cpu([](CpuId cpu) {
        const Pte first = table_towards_window(mm::cpu_root(cpu), KernelLayout::kPrivateLevel)[kWindowIndex];
        for_each_online_cpu([&](CpuId other) {
            const auto slab = mm::master_table()
                                  .walk_to(mm::local_to_global(kWindow, other), KernelLayout::kPrivateLevel)
                                  .pte;
            EXPECT((first == slab) == (cpu == other));
        });
    });
}

PERCIVAL_TEST(roots, mapped_windows_have_tables_of_their_own)
{
    if (percpu::window != percpu::Window::Mapped)
        SKIP("the windows share the slabs' tables (percpu.window=linked), or are not there (roots=common)");
    for_each_online_cpu([](CpuId cpu) {
        const Pte first = table_towards_window(mm::cpu_root(cpu), KernelLayout::kPrivateLevel)[kWindowIndex];
        for_each_online_cpu([&](CpuId other) {
            const Pte of_other =
                table_towards_window(mm::cpu_root(other), KernelLayout::kPrivateLevel)[kWindowIndex];
            const auto slab = mm::master_table()
                                  .walk_to(mm::local_to_global(kWindow, other), KernelLayout::kPrivateLevel)
                                  .pte;
            EXPECT(first != slab);
            EXPECT((first == of_other) == (cpu == other));
        });
    });
}

PERCIVAL_TEST(roots, local_window_of_the_master_root_is_empty)
{
    const Pte* table = table_towards_window(mm::master_root(), KernelLayout::kPrivateLevel);
    for (u64 index = 0; index < KernelLayout::kWindowEntries; ++index)
        EXPECT(table[kWindowIndex + index].kind(KernelLayout::kPrivateLevel) == mm::PteKind::Invalid);
}

// On the master root a stray local access must fault rather than reach some CPU's data. Between the two
// switches nothing may use percpu data.
PERCIVAL_TEST(roots, local_addresses_do_not_translate_on_the_master_root)
{
    SKIP_WITH_COMMON_ROOT();
    bool on_own_root, on_master, on_own_root_again;
    {
        arch::InterruptMask masked;
        on_own_root = arch::translate(kWindow).valid;
        arch::install_root(mm::root_register(mm::master_root()));
        on_master = arch::translate(kWindow).valid;
        arch::install_root(mm::root_register(mm::cpu_root(kBootCpu)));
        on_own_root_again = arch::translate(kWindow).valid;
    }
    EXPECT(on_own_root);
    EXPECT(!on_master);
    EXPECT(on_own_root_again);
}

PERCIVAL_PERCPU PerCpu<u64> owner{};

// Reads through the local address, whatever the mode of the this_cpu operations.
u64 read_local(const PerCpu<u64>& variable)
{
    return *reinterpret_cast<const volatile u64*>(variable.local_address().raw());
}

// One load reads this CPU's copy, and another CPU's copy after a switch to that CPU's root: the TLB holds
// nothing of the old root. Between the switches nothing may use any other percpu data.
PERCIVAL_TEST(roots, the_same_load_reads_another_cpus_copy_on_that_cpus_root)
{
    SKIP_WITH_COMMON_ROOT();
    for_each_online_cpu([](CpuId cpu) { owner.on(cpu) = 100 + cpu.index(); });
    for_each_online_cpu([](CpuId cpu) {
        u64 before, there, after;
        {
            const arch::InterruptMask masked;
            before = read_local(owner);
            arch::install_root(mm::root_register(mm::cpu_root(cpu)));
            there = read_local(owner);
            arch::install_root(mm::root_register(mm::cpu_root(kBootCpu)));
            after = read_local(owner);
        }
        EXPECT_EQ(before, 100u);
        EXPECT_EQ(there, 100 + cpu.index());
        EXPECT_EQ(after, 100u);
    });
}

// Private tables have every entry that a shared region may need from the start, so no later map() writes to a
// root.
PERCIVAL_TEST(roots, every_entry_a_shared_region_can_use_points_to_a_table)
{
    const VirtRange regions[] = {
        KernelLayout::kModules,
        KernelLayout::kVmalloc,
        {KernelLayout::kGlobalPercpu.base, KernelLayout::kSlabSize * possible_cpu_count()},
        KernelLayout::kPciIo,
        KernelLayout::kFixmap};
    mm::KernelPageTable own{mm::cpu_root(kBootCpu), mm::kernel_tables()};
    const Level shared =
        KernelLayout::kPrivateTables == 1 ? KernelGeometry::kRootLevel : KernelLayout::kPrivateLevel.up();
    for (const VirtRange& region : regions) {
        u64 missing = 0;
        for (VirtAddr at = region.base; region.contains(at); at += KernelLayout::kPrivateSpan) {
            if (own.walk_to(at, shared).kind() != mm::PteKind::Table)
                ++missing;
        }
        EXPECT_EQ(missing, 0u);
    }
}

PERCIVAL_TEST(roots, complete_roots_cost_little_more_than_one_mebibyte)
{
    // Vmalloc is as large as 1 MiB of tables can serve (mm/address_space/layout.hpp), and the other regions
    // are small. Where one entry of a private table covers no more than a slab, each slab has a table as
    // well.
    const u64 of_slabs =
        (KernelLayout::kSlabSize * possible_cpu_count()).count() / KernelLayout::kPrivateSpan.count();
    EXPECT(kPage * (mm::root_completeness().tables - of_slabs) <= 1_MiB + kPage * 8);
}

// Expects that a store to `address` takes a permission fault and changes nothing.
void expect_write_faults(VirtAddr address)
{
    auto* word = reinterpret_cast<volatile u64*>(address.raw());
    const u64 before = *word;
    const auto fault = arch::catch_fault([](void* target) { *static_cast<volatile u64*>(target) = 0; },
                                         const_cast<u64*>(word));
    ASSERT(fault.has_value());
    EXPECT(arch::is_write_abort(fault->esr));
    EXPECT(arch::fault_status(fault->esr).kind == arch::FaultKind::Permission);
    EXPECT_EQ(fault->far, address);
    EXPECT_EQ(*word, before);
}

PERCIVAL_TEST(roots, writing_a_private_table_of_any_cpu_faults)
{
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu) {
        for_each_private_level([cpu](Level level) {
            expect_write_faults(mm::linear_address(mm::private_table(CpuId{cpu}, level)));
        });
    }
}

PERCIVAL_TEST(roots, writing_a_table_of_the_master_faults_through_every_alias)
{
    const auto expect_sealed = [](PhysAddr table) {
        expect_write_faults(address_of(mm::kernel_tables().table(table)));
        expect_write_faults(mm::linear_address(table) + (kPage - Bytes{8}));
    };
    for_each_private_level([&](Level level) { expect_sealed(mm::master_table_of(level)); });
    expect_sealed(mm::image_to_physical(&boot::boot_tables.reserved));
    expect_sealed(mm::image_to_physical(&boot::boot_tables.idmap));
}

// The known aliases of sealed tables are all there are: no other mapping leads to one.
PERCIVAL_TEST(roots, sealed_tables_have_no_writable_alias_anywhere)
{
    const LinearTablesStay stay;
    u64 aliases = 0;
    u64 writable = 0;
    KernelTableDump{TableAt{}}.for_each_run(mm::cpu_root(kBootCpu), [&](const mm::MappedRun& run) {
        const auto look = [&](PhysAddr table) {
            const bool mapped = PhysRange{run.to, run.range.size}.contains(table);
            aliases += mapped;
            writable += mapped && run.rights.writable;
        };
        for_each_private_level([&](Level level) {
            look(mm::master_table_of(level));
            for (u32 cpu = 0; cpu < mm::roots_beside_master(); ++cpu)
                look(mm::private_table(CpuId{cpu}, level));
        });
        look(mm::image_to_physical(&boot::boot_tables.reserved));
        look(mm::image_to_physical(&boot::boot_tables.idmap));
    });
    EXPECT_EQ(aliases, KernelLayout::kPrivateTables * (2 + mm::roots_beside_master()) + 4);
    EXPECT_EQ(writable, 0u);
}

} // namespace
} // namespace percival
