// SPDX-License-Identifier: BSD-2-Clause
// kernel/cpus/call.cpp and kernel/wait/stop_machine.cpp with weakly ordered memory.
#include "interrupts.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/stop_machine.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>

namespace percival::testing {
namespace {

// All CPUs are online, and take calls.
template <u32 Cpus>
struct Calling {
    static constexpr u32 kCpus = Cpus;

    Calling()
    {
        mm::cpus_with_root = Cpus;
        for (u32 cpu = 0; cpu < Cpus; ++cpu)
            set_online(CpuId{cpu}, {});
        handle_ipi(arch::Ipi::Call, &run_queued_calls);
    }
};

// The CPU that is called looks for calls by itself, too, as one does that leaves.
struct OneCaller : Calling<2> {
    u64 question{0};
    u64 answer{0};
    u64 received{0};

    void run(u32 cpu)
    {
        if (cpu == 1) {
            const arch::InterruptMask masked;
            return run_queued_calls();
        }
        question = 1;
        call_on(CpuId{1}, [this] { answer = question + 1; });
        received = answer;
    }
    std::string verdict() const { return received == 2 ? "" : "a call or its result is seen too late"; }
};

TEST(CallOrder, BothSidesOfACallSeeWhatTheOtherOneDidBefore)
{
    EXPECT_EQ(judge<OneCaller>({"kernel/cpus/call.cpp"}, {.deviations = 2}), "");
}

// Two CPUs call the third one. One interrupt may serve both calls.
struct TwoCallers : Calling<3> {
    std::array<u64, 2> question{};
    std::array<u64, 2> answer{};
    std::array<u64, 2> received{};

    void run(u32 cpu)
    {
        if (cpu == 2)
            return;
        question[cpu] = cpu + 1;
        call_on(CpuId{2}, [this, cpu] { answer[cpu] = question[cpu] * 10; });
        received[cpu] = answer[cpu];
    }
    std::string verdict() const
    {
        return received == std::array<u64, 2>{10, 20} ? "" : "a call or its result is seen too late";
    }
};

TEST(CallOrder, OneInterruptServesTwoCalls)
{
    EXPECT_EQ(order_explorer().explore_at_random<TwoCallers>(1, 2'000).failure, "");
}

// Two Broadcasts, one after the other, use the same calls.
struct TwoBroadcasts : Calling<3> {
    u64 question{0};
    std::array<u64, 3> answer{};
    std::array<u64, 2> received{};

    void run(u32 cpu)
    {
        if (cpu == 2)
            return;
        call_on_others([this] { answer[this_cpu_id().index()] += 1; });
        received[cpu] = answer[2];
    }
    std::string verdict() const
    {
        if (answer != std::array<u64, 3>{1, 1, 2})
            return "a CPU that was asked did not run the function once";
        return received[0] + received[1] >= 3 ? "" : "a result is seen too late";
    }
};

TEST(CallOrder, ABroadcastSeesWhatAllOthersDid)
{
    EXPECT_EQ(order_explorer().explore_at_random<TwoBroadcasts>(1, 2'000).failure, "");
}

// One CPU holds the other one, in the middle of whatever that does.
struct Held : Calling<2> {
    static inline Held* current = nullptr;

    u64 by_other{0};
    std::atomic<u64> first{0};
    std::atomic<u64> second{0};
    u64 found{0};
    std::string wrong;
    // Used by the CPU that is held only.
    bool has_stored{false};
    bool had_stored{false};
    bool was_held{false};

    Held()
    {
        current = this;
        handle_ipi(arch::Ipi::Call, [] {
            if (!current->was_held)
                current->had_stored = current->has_stored;
            run_queued_calls();
            current->was_held = true;
        });
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            const WhileOthersAreHeld held;
            found = by_other;
            first.store(1, std::memory_order_relaxed);
            second.store(1, std::memory_order_relaxed);
        } else {
            by_other = 1;
            has_stored = true;
            const bool comes_later = was_held;
            const u64 one = first.load(std::memory_order_relaxed);
            if (one != second.load(std::memory_order_relaxed) && one == 1)
                wrong = "a CPU that should be held sees half of what is done";
            if (comes_later && one == 0)
                wrong = "a CPU does not see what was done while it was held";
        }
    }
    std::string verdict() const
    {
        return had_stored && found == 0 ? "what a CPU stored before it was held is not seen" : wrong;
    }
};

TEST(StopMachineOrder, WhatIsDoneMeanwhileComesAfterAllBeforeAndBeforeAllAfter)
{
    EXPECT_EQ(judge<Held>({"kernel/wait/stop_machine.cpp"}, {.deviations = 2}), "");
}

} // namespace
} // namespace percival::testing

bool percival::is_thread_of_run_everywhere()
{
    return false;
}
