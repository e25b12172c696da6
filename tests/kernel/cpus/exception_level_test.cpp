// SPDX-License-Identifier: BSD-2-Clause
// Tests that all CPUs run at one exception level, and at EL2 with the registers of EL2. The rows of
// tests/boot/rows_el2.py run these tests at EL2.
#include "arch/cpu/exception_level.hpp"

#include "arch/cpu/performance_counter.hpp"
#include "arch/devices/timer.hpp"
#include "arch/mmu/root_register.hpp"
#include "boot/el2_setup.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/percpu/area.hpp"
#include "tests/kernel/support/cpu_choice.hpp"

namespace percival {
namespace {

struct DistanceAtEl1 {
    PERCIVAL_SYSTEM_REGISTER(DistanceAtEl1, "tpidr_el1")
};
struct DistanceAtEl2 {
    PERCIVAL_SYSTEM_REGISTER(DistanceAtEl2, "tpidr_el2")
};
struct RootAtEl2 {
    PERCIVAL_SYSTEM_REGISTER(RootAtEl2, "s3_4_c2_c0_1") // TTBR1_EL2
};
using EnableOfTimer = arch::Field<0>; // of CNTHV_CTL_EL2 and CNTHP_CTL_EL2

// What a counter counts, and at which levels (Arm ARM D24.5, PMEVTYPER<n>_EL0 and PMCCFILTR_EL0).
using NotAtEl1 = arch::Field<31>;
using AtEl2 = arch::Field<27>;
struct TypeOfInstructions {
    PERCIVAL_SYSTEM_REGISTER(TypeOfInstructions, "pmevtyper0_el0")
};
struct TypeOfTlbRefills {
    PERCIVAL_SYSTEM_REGISTER(TypeOfTlbRefills, "pmevtyper1_el0")
};
struct TypeOfTlbWalks {
    PERCIVAL_SYSTEM_REGISTER(TypeOfTlbWalks, "pmevtyper2_el0")
};

// A CPU without EL2 may hold bit 27 at 0.
template <class Type>
void expect_to_count_at_this_level()
{
    if (arch::runs_at_el2())
        EXPECT_EQ(Type::read().template get<AtEl2>(), 1u);
    else
        EXPECT_EQ(Type::read().template get<NotAtEl1>(), 0u);
}

// Runs on `cpu`, which it checks.
void expect_host_mode(CpuId cpu)
{
    const auto hcr = boot::Hcr::read();
    EXPECT_EQ(hcr.get<boot::Hcr::E2h>(), 1u);
    EXPECT_EQ(hcr.get<boot::Hcr::Tge>(), 1u);
    EXPECT_EQ(hcr.get<boot::Hcr::Rw>(), 1u);
    EXPECT_EQ(DistanceAtEl2::read().raw, mm::global_distance(cpu));
    EXPECT_EQ(RootAtEl2::read().raw, arch::RootRegister::read().raw);
}

PERCIVAL_TEST(exception_level, is_the_one_that_was_chosen_at_boot_on_every_cpu)
{
    for_each_online_cpu([](CpuId cpu) {
        call_on(cpu, [cpu] {
            EXPECT_EQ(boot::handoff.level, arch::runs_at_el2() ? boot::kAtEl2 : boot::kAtEl1);
            EXPECT_EQ(arch::read_this_cpu_distance(), mm::global_distance(cpu));
        });
    });
}

PERCIVAL_TEST(exception_level, at_el2_every_cpu_is_in_host_mode_with_the_distance_in_tpidr_el2)
{
    if (!arch::runs_at_el2())
        SKIP("the kernel runs at EL1");
    for_each_online_cpu([](CpuId cpu) { call_on(cpu, [cpu] { expect_host_mode(cpu); }); });
}

PERCIVAL_TEST(exception_level, at_el2_tpidr_el1_means_nothing)
{
    if (!arch::runs_at_el2())
        SKIP("the kernel runs at EL1");
    for_each_online_cpu([](CpuId cpu) {
        call_on(cpu, [cpu] {
            DistanceAtEl1{0xa5a5'a5a5'a5a5'a5a5}.write();
            EXPECT_EQ(arch::read_this_cpu_distance(), mm::global_distance(cpu));
        });
    });
}

PERCIVAL_TEST(exception_level, at_el2_the_alarm_is_a_timer_of_el2_that_has_an_interrupt)
{
    if (!arch::runs_at_el2())
        SKIP("the kernel runs at EL1");
    const TimerDescription& timer = this_machine().timer;
    const bool is_virtual = timer.hypervisor_virtual_interrupt != 0;
    EXPECT_EQ(arch::timer_interrupt(),
              is_virtual ? timer.hypervisor_virtual_interrupt : timer.hypervisor_physical_interrupt);
    for_each_online_cpu([is_virtual](CpuId cpu) {
        call_on(cpu, [is_virtual] {
            const arch::AlarmMute mute;
            arch::timer_set_alarm(~u64{0});
            EXPECT_EQ(boot::CnthvCtl::read().get<EnableOfTimer>(), u64{is_virtual});
            EXPECT_EQ(boot::CnthpCtl::read().get<EnableOfTimer>(), u64{!is_virtual});
            arch::timer_set_alarm(0); // the tick goes on
        });
    });
}

PERCIVAL_TEST(exception_level, a_cpu_that_comes_back_is_at_the_same_level)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = nth_online_cpu(1);
    {
        const Away away{cpu};
    }
    call_on(cpu, [cpu] {
        EXPECT_EQ(boot::handoff.level, arch::runs_at_el2() ? boot::kAtEl2 : boot::kAtEl1);
        if (arch::runs_at_el2())
            expect_host_mode(cpu);
    });
}

PERCIVAL_TEST(exception_level, every_counter_counts_at_the_kernels_level)
{
    if (!arch::RunningCounters::are_here())
        SKIP("the CPU has no performance counters");
    for_each_online_cpu([](CpuId cpu) {
        call_on(cpu, [] {
            const arch::RunningCounters running;
            expect_to_count_at_this_level<arch::Pmccfiltr>();
            expect_to_count_at_this_level<TypeOfTlbRefills>();
            expect_to_count_at_this_level<TypeOfTlbWalks>();
            const arch::CounterValues before = arch::RunningCounters::read();
            const arch::CounterValues after = arch::RunningCounters::read();
            EXPECT(after.cycles != before.cycles);
            if (arch::counts_instructions()) {
                expect_to_count_at_this_level<TypeOfInstructions>();
                EXPECT(after.instructions != before.instructions);
            }
        });
    });
}

} // namespace
} // namespace percival
