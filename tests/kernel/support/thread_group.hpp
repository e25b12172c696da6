// SPDX-License-Identifier: BSD-2-Clause
// Threads that run one function with their number as its argument, and are joined at the end of the scope.
#pragma once

#include "kernel/sched/thread.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/percpu/area.hpp"

#include <array>

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

// Keeps every other CPU out of its idle loop, in which it does not tick.
class BusyOthers : Immovable {
public:
    BusyOthers()
        : threads_{possible_cpu_count(), spin_,
                   [](u32 cpu) { return ThreadOptions{.affinity = CpuSet::only(CpuId{cpu})}; }}
    {
    }
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
