// SPDX-License-Identifier: BSD-2-Clause
// The probe by which percpu=auto decides: it reports private TLBs for CPUs on their own roots, and does not
// for two CPUs on one root.
#include "arch/cpu/errata.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/percpu/probe.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/percpu_modes.hpp"
#include "tests/kernel/support/roots.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr CpuId kOther{1};

PERCIVAL_TEST(percpu_mode, the_probe_finds_every_cpus_tlb_private)
{
    SKIP_WITH_COMMON_ROOT();
    EXPECT(tlbs_are_private());
}

// The second CPU of the pair runs on the first CPU's root meanwhile. To the probe that looks like a shared
// TLB.
PERCIVAL_TEST(percpu_mode, the_probe_sees_two_cpus_that_share_a_root)
{
    SKIP_WITH_COMMON_ROOT();
    SKIP_WITHOUT_ANOTHER_CPU();
    start_tlb_probe();
    std::atomic<u32> wrong_on_owner{0}, wrong_on_guest{0};
    run_everywhere([&](CpuId self) {
        const arch::InterruptMask masked;
        if (self == kBootCpu)
            wrong_on_owner.store(reads_beside(self, kOther).wrong, std::memory_order_relaxed);
        if (self != kOther)
            return;
        arch::install_root(mm::root_register(mm::cpu_root(kBootCpu)));
        const u32 wrong = reads_beside(self, kBootCpu).wrong;
        arch::install_root(mm::root_register(mm::cpu_root(self)));
        wrong_on_guest.store(wrong, std::memory_order_relaxed);
    });
    EXPECT_EQ(wrong_on_owner.load(std::memory_order_relaxed), 0u);
    EXPECT(wrong_on_guest.load(std::memory_order_relaxed) > 0);
    EXPECT(tlbs_are_private()); // both CPUs are on their own roots again
}

// The test runs in restart mode, in which only the probe uses local addresses.
PERCIVAL_TEST(percpu_mode, auto_chooses_restart_where_two_cpus_share_a_root_and_local_where_none_do)
{
    SKIP_WITH_COMMON_ROOT();
    if (online_cpu_count() < 2 || !arch::kHasLocalMode)
        SKIP("there is one CPU only, or no local mode");
    const InPercpuForm restart{arch::PercpuMode::Restart};
    call_on(kOther, [] { arch::install_root(mm::root_register(mm::cpu_root(kBootCpu))); });
    const PercpuModeChoice on_a_shared_root = choose_percpu_mode_by_looking();
    call_on(kOther, [] { arch::install_root(mm::root_register(mm::cpu_root(kOther))); });
    EXPECT(on_a_shared_root.mode == arch::PercpuMode::Restart);
    EXPECT(on_a_shared_root.why == std::string_view{"auto: the probe found a TLB that is not private"});
    EXPECT(choose_percpu_mode_by_looking().mode == arch::PercpuMode::Local);
}

} // namespace
} // namespace percival
