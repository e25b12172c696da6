// SPDX-License-Identifier: BSD-2-Clause
// CPUs go offline and come back, and nothing is lost: threads, timers, work, memory, counts.
#include "arch/boot/boot_record.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/power.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/hotplug/power_on.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/stop_machine.hpp"
#include "kernel/wait/work_queue.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/pages/page_cache.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/roots/check.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/thread_group.hpp"

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> kept{};
PERCIVAL_PERCPU PerCpu<u64> counter{};

PERCIVAL_TEST(hotplug, every_cpu_comes_back_online_with_its_percpu_data_and_root)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const u32 before = online_cpu_count();
    // Only some of many CPUs, because each takes time.
    const u32 count = std::min(before, 8u);
    for (u32 number = 0; number < count; ++number) {
        const CpuId cpu = nth_online_cpu(number);
        kept.on(cpu) = 1000 + number;
        {
            const Away away{cpu};
            EXPECT(!is_online(cpu));
            EXPECT_EQ(online_cpu_count(), before - 1);
            EXPECT(mm::root_agrees_with_master(cpu));
            EXPECT_EQ(kept.on(cpu), 1000 + number);
        }
        EXPECT(is_online(cpu));
        EXPECT_EQ(online_cpu_count(), before);
    }
    std::atomic<u32> ran{0};
    run_everywhere([&](CpuId) { ran.fetch_add(1); });
    for (u32 number = 0; number < count; ++number)
        call_on(nth_online_cpu(number), [=] { EXPECT_EQ(kept.read(), 1000 + number); });
    EXPECT_EQ(ran.load(), before);
    EXPECT_EQ(this_cpu_id(), kBootCpu);
}

PERCIVAL_TEST(hotplug, a_cpu_is_off_exactly_while_it_is_offline)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    for_each_online_cpu([](CpuId cpu) { EXPECT(!arch::is_off(cpu)); });
    const CpuId cpu = last_online_cpu();
    const Away away{cpu};
    EXPECT(arch::is_off(cpu));
}

PERCIVAL_TEST(hotplug, the_last_cpu_and_offline_cpus_cannot_go_offline)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const u32 before = online_cpu_count();
    if (before > 8)
        SKIP("it would take many CPUs offline, one by one");
    std::array<CpuId, 8> gone{};
    u32 count = 0;
    while (online_cpu_count() != 1) {
        gone[count] = last_online_cpu();
        ASSERT(take_cpu_offline(gone[count++]).has_value());
    }
    EXPECT(!take_cpu_offline(kBootCpu).has_value());
    EXPECT(!take_cpu_offline(gone[0]).has_value());
    EXPECT(!take_cpu_offline(CpuId{possible_cpu_count()}).has_value());
    EXPECT(!bring_cpu_online(kBootCpu).has_value());
    while (count != 0)
        EXPECT(bring_cpu_online(gone[--count]).has_value());
    EXPECT_EQ(online_cpu_count(), before);
}

PERCIVAL_TEST(hotplug, threads_of_an_offline_cpu_run_elsewhere_and_return_with_it)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = nth_online_cpu(1);
    CpuWitness witness;
    auto body = [&](u32) { witness.note_until_end(); };
    ThreadGroup group{1, body, [&](u32) { return on_cpu(cpu); }};
    witness.wait_for(cpu);
    {
        const Away away{cpu};
        witness.wait_for_another_than(cpu);
    }
    witness.wait_for(cpu);
    witness.end();
}

PERCIVAL_TEST(hotplug, sleepers_and_timers_of_an_offline_cpu_fire_in_time)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = nth_online_cpu(1);
    std::atomic<u32> woken{0};
    auto body = [&](u32) {
        sleep_for_nanoseconds(20'000'000);
        woken.fetch_add(1);
    };
    ThreadGroup group{4, body, [&](u32) { return on_cpu(cpu); }};
    sleep_for_nanoseconds(2'000'000); // lets them begin to sleep on that CPU
    const Away away{cpu};
    group.join_all();
    EXPECT_EQ(woken.load(), 4u);
}

PERCIVAL_TEST(hotplug, work_for_an_offline_cpu_runs_elsewhere)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = nth_online_cpu(1);
    const Away away{cpu};
    std::atomic<u32> ran{0};
    Work work{[](void* count) { static_cast<std::atomic<u32>*>(count)->fetch_add(1); }, &ran};
    EXPECT(work.queue_on(cpu));
    work.flush();
    EXPECT_EQ(ran.load(), 1u);
}

PERCIVAL_TEST(hotplug, an_offline_cpu_leaves_no_memory_in_its_stocks)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = nth_online_cpu(1);
    call_on(cpu, [] {
        for (u32 i = 0; i < 3; ++i) {
            if (const auto page = mm::allocate_page())
                mm::free_page(*page);
            mm::free_object(mm::allocate_object(Bytes{64}), Bytes{64});
        }
    });
    EXPECT(mm::page_cache.on(cpu).count != 0);
    const Away away{cpu};
    EXPECT_EQ(mm::page_cache.on(cpu).count, 0u);
    EXPECT_EQ(mm::object_stock(mm::ObjectClass::of(Bytes{64})).on(cpu).count, 0u);
}

PERCIVAL_TEST(hotplug, a_start_that_failed_can_be_tried_again)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = last_online_cpu();
    const Away away{cpu}; // brings it back at the end
    EXPECT(!bring_cpu_online(kBootCpu).has_value());
    // As when the CPU does not come in time.
    set_starting(cpu);
    EXPECT(!await_cpu(cpu, 0).has_value());
    EXPECT(!is_coming(cpu));
    u32 runs = 0;
    stop_machine([&runs] { ++runs; }); // asks only the CPUs that are online
    EXPECT_EQ(runs, 1u);
    EXPECT(bring_cpu_online(cpu).has_value());
    EXPECT(is_online(cpu));
    ASSERT(take_cpu_offline(cpu).has_value());
    // As when it comes all the same, but too late: it turns itself off before it starts its tick.
    const u64 ticks = tick_count(cpu);
    set_starting(cpu);
    EXPECT(leave_out(cpu));
    EXPECT(power_on(cpu, arch::secondary_entry_address()).has_value());
    while (!has_said_goodbye(cpu) || !arch::is_off(cpu))
        sleep_for_nanoseconds(200'000);
    EXPECT(!is_online(cpu));
    EXPECT_EQ(tick_count(cpu), ticks);
}

// Threads allocate and count on all CPUs while one CPU after another goes offline and comes back.
void run_random_hotplug(u64 milliseconds)
{
    for (u32 index = 0; index < possible_cpu_count(); ++index)
        counter.on(CpuId{index}) = 0;
    std::atomic<bool> over{false};
    std::atomic<u64> made{0};
    auto body = [&](u32 number) {
        u64 own = 0;
        while (!over.load(std::memory_order_relaxed)) {
            counter.inc();
            ++own;
            auto* const object = static_cast<u64*>(mm::allocate_object(Bytes{128}));
            const auto page = mm::allocate_page();
            if (object != nullptr)
                object[3] = number;
            if (own % 64 == 0)
                static_cast<void>(migrate_to(CpuId{static_cast<u32>(own / 64) % possible_cpu_count()}));
            if (object != nullptr)
                EXPECT_EQ(object[3], u64{number});
            mm::free_object(object, Bytes{128});
            if (page)
                mm::free_page(*page);
        }
        made.fetch_add(own);
    };
    u32 changes = 0;
    {
        ThreadGroup group{std::min(2 * possible_cpu_count(), 16u), body};
        const u64 until = arch::timer_ticks() + milliseconds * arch::timer_frequency() / 1000;
        u32 random = 1;
        while (arch::timer_ticks() < until) {
            random = random * 1'664'525 + 1'013'904'223;
            const Away away{nth_online_cpu(random >> 16)};
            sleep_for_nanoseconds(random >> 10);
            ++changes;
        }
        over.store(true);
    }
    u64 sum = 0;
    for (u32 index = 0; index < possible_cpu_count(); ++index)
        sum += counter.on(CpuId{index});
    EXPECT_EQ(sum, made.load());
    print("  # {} CPUs went and came back, {} counts", changes, made.load());
}

PERCIVAL_TEST(hotplug, counts_and_memory_survive_random_hotplug)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const u64 used_before = mm::memory_statistics().bad_frees;
    run_random_hotplug(250);
    EXPECT_EQ(mm::memory_statistics().bad_frees, used_before);
}

PERCIVAL_TEST_MANUAL(hotplug, a_minute_of_random_hotplug)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    run_random_hotplug(60000);
}

} // namespace
} // namespace percival
