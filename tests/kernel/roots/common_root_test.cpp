// SPDX-License-Identifier: BSD-2-Clause
// roots=common: all CPUs are on one root, which has no local window, and private tables are not there.
#include "arch/debug/fault_recovery.hpp"
#include "arch/exceptions/exception_syndrome.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "linker/symbols.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/roots.hpp"

#include <algorithm>

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> value{};

bool shares_tlb_entries(CpuId cpu)
{
    using enum arch::CpuFeature;
    return percpu::roots_are_common() && system_features().has(CommonNotPrivate) &&
           cpu_features(cpu).has(CommonNotPrivate);
}

PERCIVAL_TEST(common_root, every_cpu_is_on_the_master)
{
    SKIP_WITH_PRIVATE_ROOTS();
    run_everywhere([](CpuId cpu) {
        EXPECT_EQ(mm::cpu_root(cpu), mm::master_root());
        EXPECT(arch::runs_on_root(mm::root_register(mm::master_root())));
    });
}

// Returns the number of different tables that the possible CPUs and the master have on the way to the local
// window.
u64 tables_towards_the_window()
{
    u64 count = 0;
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel;
         level = level.down()) {
        ++count; // the master's
        for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu) {
            const PhysAddr table = mm::private_table(CpuId{cpu}, level);
            bool is_new = table != mm::master_table_of(level);
            for (u32 other = 0; other < cpu; ++other)
                is_new = is_new && table != mm::private_table(CpuId{other}, level);
            count += is_new;
        }
    }
    return count;
}

// What roots=common saves, and all that it saves at boot: these tables.
PERCIVAL_TEST(common_root, the_tables_towards_the_window_are_those_of_one_root_or_of_each_cpu_and_the_master)
{
    const u64 roots = percpu::roots_are_common() ? 1 : 1 + possible_cpu_count();
    EXPECT_EQ(tables_towards_the_window(), KernelLayout::kPrivateTables * roots);
    EXPECT_EQ(mm::private_tables().size, kPage * (KernelLayout::kPrivateTables * (roots - 1)));
}

PERCIVAL_TEST(common_root, no_local_address_translates_on_any_cpu)
{
    SKIP_WITH_PRIVATE_ROOTS();
    run_everywhere([](CpuId cpu) {
        for (VirtAddr local = address_of(_percpu_start); local < address_of(_percpu_end); local += kPage) {
            EXPECT(!arch::translate(local).valid);
            EXPECT(arch::translate(mm::local_to_global(local, cpu)).valid);
        }
    });
}

PERCIVAL_TEST(common_root, a_stray_access_to_a_local_address_faults)
{
    SKIP_WITH_PRIVATE_ROOTS();
    const VirtAddr local = value.local_address();
    const auto fault = arch::catch_fault(
        [](void* address) { static_cast<void>(*static_cast<const volatile u64*>(address)); },
        // SAFETY: nothing is mapped at the address, so that the load faults.
        reinterpret_cast<void*>(local.raw()));
    ASSERT(fault.has_value());
    EXPECT(arch::fault_status(fault->esr).kind == arch::FaultKind::Translation);
    EXPECT_EQ(fault->far, local);
}

PERCIVAL_TEST(common_root, common_not_private_is_1_on_the_cpus_of_one_root_that_have_it_and_0_on_all_others)
{
    run_everywhere([](CpuId cpu) { EXPECT_EQ(arch::root_is_common_not_private(), shares_tlb_entries(cpu)); });
}

PERCIVAL_TEST(common_root, a_cpu_that_comes_back_shares_tlb_entries_as_before)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = last_online_cpu();
    {
        const Away away{cpu};
    }
    bool shares = false;
    call_on(cpu, [&shares] { shares = arch::root_is_common_not_private(); });
    EXPECT_EQ(shares, shares_tlb_entries(cpu));
}

PERCIVAL_TEST(common_root, local_mode_is_left_out_and_auto_means_restart)
{
    SKIP_WITH_PRIVATE_ROOTS();
    EXPECT(std::ranges::find(percpu_modes(), arch::PercpuMode::Local) == percpu_modes().end());
    EXPECT(choose_percpu_mode_by_looking().mode ==
           (kPercpuInLine ? arch::kPercpuFormAsLinked.mode : arch::PercpuMode::Restart));
}

} // namespace
} // namespace percival
