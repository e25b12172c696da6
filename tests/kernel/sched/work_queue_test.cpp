// SPDX-License-Identifier: BSD-2-Clause
// Tests work queues: queued work runs once, on the requested CPU.
#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/wait/work_queue.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/thread_group.hpp"

namespace percival {
namespace {

struct Note {
    std::atomic<u32> runs{0};
    std::atomic<u32> cpu{~u32{0}};
    static void make(void* self)
    {
        auto* note = static_cast<Note*>(self);
        {
            const PreemptGuard pin;
            note->cpu.store(this_cpu_id().index());
        }
        sleep_for_nanoseconds(100'000); // work may block
        note->runs.fetch_add(1);
    }
};

// Work that blocks until it is told to go on.
struct Held {
    Completion go;
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
    static void hold(void* self)
    {
        auto* held = static_cast<Held*>(self);
        held->begun.store(true);
        held->go.wait();
        held->ended.store(true);
    }
};

PERCIVAL_TEST(work_queues, bound_work_runs_on_its_cpu)
{
    for_each_online_cpu([](CpuId cpu) {
        Note note;
        Work work{&Note::make, &note};
        EXPECT(work.queue_on(cpu));
        work.flush();
        EXPECT_EQ(note.runs.load(), 1u);
        EXPECT_EQ(note.cpu.load(), cpu.index());
    });
}

PERCIVAL_TEST(work_queues, bound_work_runs_in_the_order_it_was_queued)
{
    static constinit std::array<std::atomic<u32>, 8> place{};
    static constinit std::atomic<u32> next{0};
    next.store(0);
    std::array<Work, 8> works;
    for (u32 i = 0; i < works.size(); ++i)
        works[i].set([](void* slot) { static_cast<std::atomic<u32>*>(slot)->store(next.fetch_add(1)); },
                     &place[i]);
    for (Work& work : works)
        work.queue_on(kBootCpu);
    for (Work& work : works)
        work.flush();
    for (u32 i = 0; i < works.size(); ++i)
        EXPECT_EQ(place[i].load(), i);
}

PERCIVAL_TEST(work_queues, unbound_work_from_interrupt_handlers_of_all_cpus_runs)
{
    Note note;
    std::array<Work, 8> works;
    for (Work& work : works)
        work.set(&Note::make, &note);
    const u32 count = std::min<u32>(online_cpu_count(), 8);
    for (u32 cpu = 0; cpu < count; ++cpu)
        call_on(nth_online_cpu(cpu), [&] { works[cpu].queue(); });
    for (u32 cpu = 0; cpu < count; ++cpu)
        works[cpu].flush();
    EXPECT_EQ(note.runs.load(), count);
}

PERCIVAL_TEST(work_queues, queued_work_is_not_queued_twice)
{
    // Keeps the worker busy meanwhile.
    Note first_note, note;
    Work first{&Note::make, &first_note};
    Work work{&Note::make, &note};
    {
        const PreemptGuard pin;
        first.queue_on(kBootCpu);
        EXPECT(work.queue_on(kBootCpu));
        EXPECT(!work.queue_on(kBootCpu));
    }
    work.flush();
    first.flush();
    EXPECT_EQ(note.runs.load(), 1u);
}

PERCIVAL_TEST(work_queues, cancelled_work_does_not_run)
{
    Held held;
    Note note;
    Work first{&Held::hold, &held};
    Work second{&Note::make, &note};
    first.queue_on(kBootCpu); // keeps the CPU's only worker busy
    second.queue_on(kBootCpu);
    EXPECT(second.cancel());
    held.go.complete();
    first.flush();
    EXPECT_EQ(note.runs.load(), 0u);
    EXPECT(!first.cancel());
}

// The thread that lets the work end has a lower priority than the caller and shares its CPU, so it runs when
// cancel() blocks.
PERCIVAL_TEST(work_queues, cancelling_work_that_runs_waits_for_its_end)
{
    Held held;
    Work work{&Held::hold, &held};
    work.queue_on(kBootCpu);
    while (!held.begun.load())
        yield();
    auto let_it_end = [&held](u32) { held.go.complete(); };
    ThreadGroup group{1, let_it_end, [](u32) { return on_cpu(kBootCpu, Priority::Low); }};
    EXPECT(!work.cancel());
    EXPECT(held.ended.load());
}

PERCIVAL_TEST(work_queues, delayed_work_runs_after_its_time)
{
    Note note;
    DelayedWork work{&Note::make, &note};
    const u64 before = arch::timer_nanoseconds();
    work.queue(5'000'000);
    work.flush();
    EXPECT_EQ(note.runs.load(), 1u);
    EXPECT(arch::timer_nanoseconds() - before >= 5'000'000);
    work.queue(10'000'000'000);
    EXPECT_EQ(note.runs.load(), 1u);
    EXPECT(work.cancel());
    EXPECT_EQ(note.runs.load(), 1u);
}

} // namespace
} // namespace percival
