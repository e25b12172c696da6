// SPDX-License-Identifier: BSD-2-Clause
// While the machine is stopped, no other CPU runs anything and no CPU comes online.
#include "kernel/wait/stop_machine.hpp"

#include "arch/devices/timer.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/spin.hpp"
#include "tests/kernel/support/thread_group.hpp"

namespace percival {
namespace {

PERCIVAL_PERCPU PerCpu<u64> counter{};

void spin_for_microseconds(u64 microseconds)
{
    const u64 until = arch::timer_ticks() + microseconds * arch::timer_frequency() / 1'000'000;
    spin_until([until] { return arch::timer_ticks() >= until; });
}

PERCIVAL_TEST(stop_machine, threads_on_other_cpus_do_not_run)
{
    // Threads count as fast as they can. While the machine is stopped, no count changes.
    std::atomic<bool> over{false};
    auto body = [&](u32) {
        while (!over.load(std::memory_order_relaxed))
            counter.inc();
    };
    ThreadGroup group{std::min(2 * online_cpu_count(), 16u), body};
    const auto sum = [] {
        u64 total = 0;
        for_each_online_cpu([&](CpuId cpu) { total += __atomic_load_n(&counter.on(cpu), __ATOMIC_RELAXED); });
        return total;
    };
    for (u32 round = 0; round < 8; ++round) {
        u64 first = 0, last = 0;
        stop_machine([&] {
            first = sum();
            const u64 until = arch::timer_ticks() + arch::timer_frequency() / 2000;
            while (arch::timer_ticks() < until)
                arch::relax();
            last = sum();
        });
        EXPECT_EQ(first, last);
    }
    over.store(true);
}

// Holds another CPU with its interrupts masked until the function has begun, which must not happen, or until
// the boot CPU has waited for three of its ticks.
PERCIVAL_TEST(stop_machine, the_function_begins_after_the_last_cpu_has_unmasked_its_interrupts)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    std::atomic<bool> masked{false}, asking{false}, begun{false}, unmasks{false};
    auto body = [&](u32) {
        const arch::InterruptMask mask;
        masked.store(true);
        while (!asking.load())
            arch::relax();
        const u64 before = tick_count(kBootCpu);
        while (!begun.load() && tick_count(kBootCpu) < before + 3)
            arch::relax();
        unmasks.store(true);
    };
    ThreadGroup group{1, body, [](u32) { return on_cpu(last_online_cpu()); }};
    while (!masked.load())
        yield();
    bool was_too_early = false;
    asking.store(true);
    stop_machine([&] {
        was_too_early = !unmasks.load();
        begun.store(true);
    });
    EXPECT(!was_too_early);
}

u64 ticks_of_the_others()
{
    u64 sum = 0;
    for_each_online_cpu([&sum](CpuId cpu) { sum += cpu == kBootCpu ? 0 : tick_count(cpu); });
    return sum;
}

PERCIVAL_TEST(stop_machine, other_cpus_take_no_ticks)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const BusyOthers busy; // idle CPUs would hardly tick
    u64 before, after;
    {
        const WhileOthersAreHeld held;
        before = ticks_of_the_others();
        const u64 until = arch::timer_ticks() + 3 * arch::timer_frequency() / kTicksPerSecond;
        spin_until([until] { return arch::timer_ticks() >= until; });
        after = ticks_of_the_others();
    }
    EXPECT_EQ(before, after);
    while (ticks_of_the_others() == after)
        arch::relax();
}

// Takes another CPU offline and back online ten times, in a thread.
class ComingAndGoing : Immovable {
public:
    bool is_over() const { return over_.load(); }

private:
    static constexpr u32 kTurns = 10;

    struct Body {
        std::atomic<bool>& over;
        void operator()(u32) const
        {
            for (u32 turn = 0; turn < kTurns; ++turn)
                const Away away{nth_online_cpu(1)};
            over.store(true);
        }
    };

    std::atomic<bool> over_{false};
    Body body_{over_};
    ThreadGroup<Body> threads_{1, body_};
};

PERCIVAL_TEST(stop_machine, no_cpu_comes_online)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const ComingAndGoing changes;
    while (!changes.is_over()) {
        u32 first = 0, last = 0;
        stop_machine([&] {
            first = online_cpu_count();
            spin_for_microseconds(500);
            last = online_cpu_count();
        });
        EXPECT_EQ(first, last);
        yield();
    }
}

PERCIVAL_TEST(stop_machine, a_broadcast_waits_for_the_cpus_it_asked_during_hotplug)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const ComingAndGoing changes;
    while (!changes.is_over()) {
        std::atomic<u32> ran{0};
        u32 asked = 0;
        {
            Broadcast broadcast;
            broadcast.ask([](void* count) { static_cast<std::atomic<u32>*>(count)->fetch_add(1); }, &ran);
            asked = broadcast.asked().size();
        }
        EXPECT_EQ(ran.load(), asked);
        yield();
    }
}

// Each stop begins while another one may be in progress. It must not count or release the CPUs of the other
// one.
PERCIVAL_TEST(stop_machine, concurrent_stops_take_turns)
{
    std::atomic<u32> inside{0};
    std::atomic<u32> most_inside{0};
    std::atomic<u32> turns{0};
    auto body = [&](u32) {
        for (u32 turn = 0; turn < 16; ++turn) {
            stop_machine([&] {
                const u32 now = inside.fetch_add(1) + 1;
                most_inside.store(std::max(most_inside.load(), now));
                spin_for_microseconds(50);
                inside.fetch_sub(1);
            });
            turns.fetch_add(1);
        }
    };
    {
        ThreadGroup group{4, body};
    }
    EXPECT_EQ(most_inside.load(), 1u);
    EXPECT_EQ(turns.load(), 64u);
}

} // namespace
} // namespace percival
