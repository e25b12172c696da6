// SPDX-License-Identifier: BSD-2-Clause
// kernel/cpus/online.cpp with weakly ordered memory: CPUs that come, that come too late, and that go.
#include "arch/cpu/processor.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace percival::testing {
namespace {

constexpr CpuId kComing{1};

// The firmware starts CPU 1, which sees what was stored before the call.
void start(void (*main)())
{
    order_explorer().interrupt(kComing.index(), main, nullptr);
}

template <class Condition>
void wait_until(Condition condition)
{
    while (!condition())
        arch::relax();
}

// CPU 0 waits for CPU 1 and then uses what it has set up. Later CPU 1 leaves.
struct ComingAndGoing {
    static constexpr u32 kCpus = 2;
    static inline ComingAndGoing* current = nullptr;

    SharedCpuSet active;
    u64 for_the_scheduler{0};
    u64 last_done{0};
    u64 drained{0};
    std::string wrong;

    ComingAndGoing()
    {
        current = this;
        mm::cpus_with_root = kCpus;
    }
    void come_and_go()
    {
        if (!arrive(kComing))
            order_explorer().fail("a CPU that is waited for is left out");
        set_online(kComing, {.midr = 7});
        for_the_scheduler = 1;
        active.add(kComing);
        last_done = 1;
        active.remove(kComing);
        set_offline(kComing);
        drained = 1;
        say_goodbye();
    }
    void run(u32 cpu)
    {
        if (cpu != 0)
            return;
        set_starting(kComing);
        start([] { current->come_and_go(); });
        wait_until([] { return !is_coming(kComing); });
        if (cpu_features(kComing).midr != 7)
            wrong = "a CPU is online before its features are known";
        if (active.contains(kComing)) {
            if (for_the_scheduler != 1)
                wrong = "a CPU is active before it is ready";
            if (!active.contains(kComing) && last_done != 1)
                wrong = "a CPU is no longer active before all that it did is seen";
        }
        wait_until([] { return has_said_goodbye(kComing); });
        if (drained != 1)
            wrong = "a CPU is gone before all that it did is seen";
    }
    std::string verdict() const { return wrong; }
};

// The same, with other questions.
struct Asking : ComingAndGoing {
    void run(u32 cpu)
    {
        if (cpu != 0)
            return;
        set_starting(kComing);
        start([] { current->come_and_go(); });
        if (has_never_started(kComing))
            wrong = "a CPU that was marked as starting has never started";
        if (is_online(kComing) && cpu_features(kComing).midr != 7)
            wrong = "a CPU is online before its features are known";
        if (active.copy().contains(kComing) && for_the_scheduler != 1)
            wrong = "a CPU is active before it is ready";
        if (can_start_again(kComing) && drained != 1)
            wrong = "a CPU can start again before it is gone";
    }
};

// The same, with questions that compare sets.
struct Comparing : ComingAndGoing {
    SharedCpuSet everyone;

    Comparing() { everyone.add(kComing); }
    void run(u32 cpu)
    {
        if (cpu != 0)
            return;
        set_starting(kComing);
        start([] { current->come_and_go(); });
        const auto look = [this](CpuId) {
            if (for_the_scheduler != 1)
                wrong = "a CPU is active before it is ready";
            return true;
        };
        if (active.intersects(CpuSet::only(kComing)))
            look(kComing);
        SharedCpuSet::find_common(active, everyone, look);
        SharedCpuSet::find_common(everyone, active, look);
    }
};

// CPU 0 gives CPU 1 up, and starts it again if it has not come so far. CPU 1 comes late.
struct ComingLate {
    static constexpr u32 kCpus = 2;
    static inline ComingLate* current = nullptr;

    u64 prepared{0};
    u64 found{0};
    bool comes{false};
    bool starts_again{false};

    ComingLate()
    {
        current = this;
        mm::cpus_with_root = kCpus;
    }
    void come()
    {
        comes = arrive(kComing);
        if (comes)
            found = prepared;
    }
    void run(u32 cpu)
    {
        if (cpu != 0)
            return;
        prepared = 1;
        set_starting(kComing);
        start([] { current->come(); });
        starts_again = leave_out(kComing);
        if (!starts_again)
            return;
        prepared = 2;
        set_starting(kComing);
    }
    std::string verdict() const
    {
        if (!comes)
            return starts_again ? "" : "a CPU that was not left out does not come";
        return found == (starts_again ? 2 : 1) ? "" : "a CPU comes before it sees what was prepared for it";
    }
};

// CPU 1 comes, lacks a feature that is in use, and goes. CPU 0 asks what it lacks.
struct Refused {
    static constexpr u32 kCpus = 2;

    std::string wrong;

    Refused() { mm::cpus_with_root = kCpus; }
    static void come()
    {
        if (!arrive(kComing))
            order_explorer().fail("a CPU that is waited for is left out");
        arch::CpuFeatureSet lacking;
        lacking.add(arch::CpuFeature::Lse);
        say_goodbye_for_lack_of(kComing, lacking);
    }
    void run(u32 cpu)
    {
        if (cpu != 0)
            return;
        set_starting(kComing);
        start(&come);
        wait_until([] { return has_said_goodbye(kComing); });
        if (!lacking_features(kComing).contains(arch::CpuFeature::Lse))
            wrong = "a CPU is gone before it is seen what it lacks";
    }
    std::string verdict() const { return wrong; }
};

// CPU 1 comes while CPU 0 takes something away from all CPUs that are online.
struct Meeting {
    static constexpr u32 kCpus = 2;

    std::atomic<u64> taken_away{0};
    bool is_asked{false};
    bool finds_it{false};

    Meeting() { mm::cpus_with_root = kCpus; }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            taken_away.store(1, std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_seq_cst);
            is_asked = is_online(kComing);
        } else {
            set_online(kComing, {});
            finds_it = taken_away.load(std::memory_order_relaxed) == 0;
        }
    }
    std::string verdict() const
    {
        return finds_it && !is_asked ? "a CPU that is not asked finds what was taken away" : "";
    }
};

TEST(BringUpOrder, NobodySeesACpuBeforeWhatItDid)
{
    EXPECT_EQ((judge<ComingAndGoing, Asking, Comparing, ComingLate, Refused, Meeting>(
                  {"kernel/cpus/online.cpp", "kernel/lib/cpu_set.hpp"}, {.deviations = 2})),
              "");
}

} // namespace
} // namespace percival::testing
