// SPDX-License-Identifier: BSD-2-Clause
// Tests threads: they run, wait, are preempted, move, and end.
#include "arch/cpu/processor.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu/area.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/spin.hpp"
#include "tests/kernel/support/thread_group.hpp"

#include <atomic>

namespace percival {
namespace {

PERCIVAL_TEST(threads, a_thread_runs_once_and_join_waits_for_its_end)
{
    std::atomic<u32> runs{0};
    auto body = [&](u32) {
        sleep_for_nanoseconds(1'000'000);
        runs.fetch_add(1);
    };
    for (u32 round = 0; round < 20; ++round) {
        ThreadGroup group{1, body};
        group.join_all();
        ASSERT_EQ(runs.load(), round + 1);
    }
}

PERCIVAL_TEST(threads, every_thread_has_its_own_stack_and_identity)
{
    constexpr u32 kThreads = 16;
    std::array<VirtAddr, kThreads> stacks{};
    std::array<const Thread*, kThreads> identities{};
    auto body = [&](u32 number) {
        const int here = 0;
        const auto stack = stack_containing(address_of(&here));
        EXPECT(stack.has_value());
        EXPECT(stack && *stack == current_thread().stack);
        stacks[number] = stack ? stack->base : VirtAddr{};
        identities[number] = &current_thread();
        sleep_for_nanoseconds(10'000'000); // keeps all of them alive at once
    };
    ThreadGroup group{kThreads, body};
    group.join_all();
    for (u32 a = 0; a < kThreads; ++a) {
        for (u32 b = 0; b < a; ++b)
            EXPECT(stacks[a] != stacks[b] && identities[a] != identities[b]);
    }
}

PERCIVAL_TEST(threads, affinity_decides_where_a_thread_runs)
{
    std::atomic<u32> wrong{0};
    auto body = [&](u32 number) {
        for (u32 turn = 0; turn < 50; ++turn) {
            const PreemptGuard pin;
            if (this_cpu_id() != nth_online_cpu(number))
                wrong.fetch_add(1);
        }
    };
    ThreadGroup group{online_cpu_count(), body, [](u32 number) { return on_cpu(nth_online_cpu(number)); }};
    group.join_all();
    EXPECT_EQ(wrong.load(), 0u);
}

PERCIVAL_TEST(threads, a_change_of_affinity_moves_running_waiting_and_calling_threads)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    const CpuId other = nth_online_cpu(1);
    CpuWitness witness;
    auto body = [&](u32) {
        witness.note_until_end();
        set_affinity(current_thread(), CpuSet::only(kBootCpu));
        EXPECT_EQ(this_cpu_id(), kBootCpu);
        set_affinity(current_thread(), CpuSet::only(other));
        EXPECT_EQ(this_cpu_id(), other);
    };
    ThreadGroup group{1, body, [](u32) { return on_cpu(kBootCpu); }};
    witness.wait_for(kBootCpu);
    set_affinity(group[0], CpuSet::only(other));
    witness.wait_for(other);
    witness.end();
}

// On one CPU, so that only one thread can run.
PERCIVAL_TEST(threads, a_higher_priority_thread_preempts_a_lower_one_at_once)
{
    // The caller has Normal priority. High preempts it at once, and Low has to wait.
    std::atomic<u32> ran{0};
    auto note = [&](u32 number) { ran.fetch_or(1u << number); };
    ThreadGroup low{1, note, [](u32) { return on_cpu(kBootCpu, Priority::Low); }};
    EXPECT_EQ(ran.load(), 0u);
    {
        auto high_note = [&](u32) { ran.fetch_or(2u); };
        ThreadGroup high{1, high_note, [](u32) { return on_cpu(kBootCpu, Priority::High); }};
        EXPECT_EQ(ran.load(), 2u);
    }
    low.join_all();
    EXPECT_EQ(ran.load(), 3u);
}

PERCIVAL_TEST(threads, a_preempt_guard_delays_a_higher_priority_thread)
{
    std::atomic<bool> ran{false};
    Completion go;
    auto body = [&](u32) {
        go.wait();
        ran.store(true);
    };
    ThreadGroup group{1, body, [](u32) { return on_cpu(kBootCpu, Priority::High); }};
    {
        const PreemptGuard outer;
        {
            const PreemptGuard inner;
            go.complete();
        }
        const u64 until = arch::timer_ticks() + arch::timer_frequency() / 100;
        while (arch::timer_ticks() < until)
            arch::relax();
        EXPECT(!ran.load());
    }
    EXPECT(ran.load());
}

PERCIVAL_TEST(threads, a_switch_due_while_interrupts_are_masked_follows_on_unmasking)
{
    std::atomic<bool> ran{false};
    Completion go;
    auto body = [&](u32) {
        go.wait();
        ran.store(true);
    };
    ThreadGroup group{1, body, [](u32) { return on_cpu(kBootCpu, Priority::High); }};
    {
        const arch::InterruptMask masked;
        go.complete();
        EXPECT(!ran.load());
    }
    const u64 before = tick_count(kBootCpu);
    // The interrupt is on its way to this CPU. A tick would let the other thread run, too.
    while (!ran.load() && tick_count(kBootCpu) < before + 2)
        arch::relax();
    EXPECT(ran.load());
    EXPECT(tick_count(kBootCpu) < before + 2);
}

PERCIVAL_TEST(threads, threads_of_one_priority_share_a_cpu_without_yielding)
{
    std::atomic<u32> begun{0};
    auto body = [&](u32) {
        begun.fetch_add(1);
        spin_until([&] { return begun.load() == 3; }); // only the end of a time slice lets the other threads
                                                       // begin
    };
    ThreadGroup group{3, body, [](u32) { return on_cpu(kBootCpu); }};
    group.join_all();
    EXPECT_EQ(begun.load(), 3u);
}

struct Whereabouts {
    CpuId cpu;
    u64 migrations;
};

Whereabouts whereabouts()
{
    const PreemptGuard pin;
    return {this_cpu_id(), current_thread().migrations};
}

// While the target's vCPU waits for the host, balancing may move the thread on, as often as it likes.
PERCIVAL_TEST(threads, migrate_to_moves_the_thread_and_counts_it)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    auto body = [&](u32) {
        for (u32 turn = 0; turn < 200; ++turn) {
            const CpuId target = nth_online_cpu(turn);
            const Whereabouts before = whereabouts();
            EXPECT(migrate_to(target));
            const Whereabouts after = whereabouts();
            const u64 there = before.cpu == target ? 0 : 1;
            const u64 and_on = after.cpu == target ? 0 : 1;
            EXPECT(after.migrations - before.migrations >= there + and_on);
        }
    };
    ThreadGroup group{1, body};
}

PERCIVAL_TEST(threads, migrate_to_refuses_cpus_outside_the_affinity)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    auto body = [&](u32) {
        EXPECT(!migrate_to(nth_online_cpu(1)));
        EXPECT(!migrate_to(CpuId{kMaxCpus - 1}));
        EXPECT(migrate_to(kBootCpu));
    };
    ThreadGroup group{1, body, [](u32) { return on_cpu(kBootCpu); }};
}

PERCIVAL_TEST(threads, an_idle_cpu_pulls_threads_that_wait_for_a_busy_cpu)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    // Two threads that never block are queued on one CPU, so that the other CPU is idle.
    std::atomic<bool> over{false};
    std::array<std::atomic<u32>, 2> seen{};
    auto body = [&](u32 number) {
        while (!over.load()) {
            const PreemptGuard pin;
            seen[number].fetch_or(1u << (this_cpu_id().index() & 31));
        }
    };
    const CpuSet first_only = CpuSet::only(kBootCpu);
    ThreadGroup group{2, body, [&](u32) { return ThreadOptions{.affinity = first_only}; }};
    set_affinity(group[0], CpuSet::all());
    set_affinity(group[1], CpuSet::all());
    // A CPU pulls threads when its idle thread ticks, once a second.
    while (((seen[0].load() | seen[1].load()) & ~1u) == 0)
        yield();
    over.store(true);
}

// Returns whether the thread is on some CPU's queue or runs.
bool is_placed(const Thread& thread) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    RunQueue& queue = lock_queue_of(thread);
    const bool placed = thread.state != ThreadState::Moving;
    queue.lock.unlock();
    return placed;
}

// Closes the boot CPU to threads after `thread` has chosen it and before it has joined its queue. Returns the
// CPU whose queue it has joined. Interrupts masked.
CpuId cpu_joined_by(const Thread& thread, std::atomic<bool>& go) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    RunQueue& queue = run_queues.on(kBootCpu);
    queue.lock.lock();
    go.store(true);
    while (cpu_of(thread) != kBootCpu)
        arch::relax();
    active_cpu_set.remove(kBootCpu);
    queue.lock.unlock();
    while (!is_placed(thread))
        arch::relax();
    const CpuId joined = cpu_of(thread);
    active_cpu_set.add(kBootCpu);
    return joined;
}

PERCIVAL_TEST(threads, a_thread_does_not_join_a_cpu_that_has_closed_since_it_chose_it)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    std::atomic<bool> ready{false}, go{false};
    auto body = [&](u32) {
        ready.store(true);
        while (!go.load())
            arch::relax();
        set_affinity(current_thread(), CpuSet::all());
        EXPECT(migrate_to(kBootCpu)); // decided before the boot CPU is closed
    };
    ThreadGroup group{1, body, [](u32) { return on_cpu(nth_online_cpu(1)); }};
    while (!ready.load())
        yield();
    CpuId joined{};
    {
        const PreemptGuard pin;
        const arch::InterruptMask masked;
        joined = cpu_joined_by(group[0], go);
    }
    EXPECT(joined != kBootCpu);
}

PERCIVAL_TEST(threads, sleep_lasts_at_least_its_time)
{
    auto body = [](u32 number) {
        const u64 nanoseconds = 1'000'000 * (number + 1);
        const u64 before = arch::timer_nanoseconds();
        sleep_for_nanoseconds(nanoseconds);
        EXPECT(arch::timer_nanoseconds() - before >= nanoseconds);
    };
    ThreadGroup group{16, body};
}

PERCIVAL_TEST(threads, a_stack_overflow_in_a_thread_is_distinguished_from_other_faults)
{
    auto body = [](u32) {
        const auto fault = arch::catch_fault(
            [](void*) {
                asm volatile("sub sp, sp, %0\n str xzr, [sp]" : : "r"(arch::kStackSize.count()) : "memory");
            },
            nullptr);
        EXPECT(fault && fault->stack_overflow);
    };
    ThreadGroup group{4, body};
}

// A fault is caught by the thread that takes it, on whichever CPU it runs, even if other threads also expect
// faults.
PERCIVAL_TEST(threads, faults_are_caught_by_the_thread_that_takes_them)
{
    auto body = [](u32 number) {
        for (u32 turn = 0; turn < 50; ++turn) {
            u64 where = 8 * (number + 1);
            const auto fault = arch::catch_fault(
                [](void* address) {
                    const PreemptGuard pin;
                    *reinterpret_cast<volatile u64*>(*static_cast<u64*>(address)) = 0;
                },
                &where);
            EXPECT(fault && fault->far == VirtAddr{where});
            EXPECT_EQ(preemption().count, 0u);
            yield();
        }
    };
    ThreadGroup group{8, body};
}

PERCIVAL_TEST(threads, callee_saved_registers_survive_preemption_and_migration)
{
    std::atomic<bool> over{false};
    auto body = [&](u32 number) {
        u64 turns = 0;
        while (!over.load(std::memory_order_relaxed) && turns < 2'000'000) {
            u64 a = number * 1'000'003 + turns, b = ~a, c = a << 7, d = b ^ c;
            asm volatile("nop; nop; nop; nop" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
            if (a != number * 1'000'003 + turns || b != ~a || c != a << 7 || d != (b ^ c)) {
                EXPECT(false);
                return;
            }
            ++turns;
        }
    };
    ThreadGroup group{3 * std::min(online_cpu_count(), 8u), body};
    sleep_for_nanoseconds(300'000'000);
    over.store(true);
}

} // namespace
} // namespace percival
