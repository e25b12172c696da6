// SPDX-License-Identifier: BSD-2-Clause
// Threads that run one function with their number as its argument, and are joined at the end of the scope.
#pragma once

#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/area.hpp"

#include <array>
#include <atomic>

namespace percival {

template <class F>
class ThreadGroup : Immovable {
public:
    static constexpr u32 kMax = 64;

    // `options(number)` returns the options of each thread.
    template <class Options>
    ThreadGroup(u32 count, F& function, Options options)
    {
        for (u32 i = 0; i < count && i < kMax; ++i) {
            members_[i] = {&function, i, nullptr};
            const auto thread = start_thread("test", members_[i], options(i));
            if (EXPECT(thread.has_value()))
                members_[i].thread = *thread;
        }
    }
    ThreadGroup(u32 count, F& function) : ThreadGroup{count, function, [](u32) { return ThreadOptions{}; }} {}
    ~ThreadGroup() { join_all(); }

    void join_all()
    {
        for (Member& member : members_) {
            if (member.thread != nullptr)
                join(*member.thread);
            member.thread = nullptr;
        }
    }
    Thread& operator[](u32 number) { return *members_[number].thread; }

private:
    struct Member {
        F* function{nullptr};
        u32 number{0};
        Thread* thread{nullptr};
        void operator()() { (*function)(number); }
    };
    std::array<Member, kMax> members_{};
};

// Returns the options of a thread that runs on `cpu` only.
inline ThreadOptions on_cpu(CpuId cpu, Priority priority = Priority::Normal)
{
    return {.priority = priority, .affinity = CpuSet::only(cpu)};
}

// Tells on which CPU a thread runs.
class CpuWitness {
public:
    // Notes the calling thread's CPU again and again, until another thread calls end().
    void note_until_end()
    {
        while (!over_.load()) {
            const PreemptGuard pin;
            seen_.store(this_cpu_id().index());
        }
    }
    void end() { over_.store(true); }

    // Wait until the thread runs on `cpu`, or on another CPU than `cpu`.
    void wait_for(CpuId cpu) const
    {
        while (seen_.load() != cpu.index())
            sleep_for_nanoseconds(100'000);
    }
    void wait_for_another_than(CpuId cpu)
    {
        seen_.store(cpu.index()); // what was seen before may be out of date
        while (seen_.load() == cpu.index())
            sleep_for_nanoseconds(100'000);
    }

private:
    std::atomic<bool> over_{false};
    std::atomic<u32> seen_{~u32{0}};
};

// Keeps every other CPU out of its idle loop, in which it does not tick.
class BusyOthers : Immovable {
public:
    BusyOthers() : threads_{possible_cpu_count(), spin_, [](u32 cpu) { return on_cpu(CpuId{cpu}); }} {}
    ~BusyOthers() { over_.store(true, std::memory_order_relaxed); }

private:
    struct Spin {
        std::atomic<bool>& over;
        void operator()(u32 number) const
        {
            while (number != kBootCpu.index() && !over.load(std::memory_order_relaxed))
                arch::relax();
        }
    };

    std::atomic<bool> over_{false};
    Spin spin_{over_};
    ThreadGroup<Spin> threads_;
};

} // namespace percival
