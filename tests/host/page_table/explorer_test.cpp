// SPDX-License-Identifier: BSD-2-Clause
// Tests the explorer itself: it tries conflicting steps in every order and independent steps in few, and it
// finds mistakes that only one order shows.
#include "tests/host/support/explorer.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

struct NoMachine {
    void execute_on(u32) {}
    std::function<void(const arch::Step&)> on_step;
};

// `Cpus` CPUs take three steps each, all on one shared flag or each on its own flag.
template <u32 Cpus, bool Shared>
struct ThreeSteps {
    explicit ThreeSteps(Explorer& e) : explorer{e} {}
    static u32 cpus() { return Cpus; }
    void run(u32 cpu)
    {
        for (u32 n = 0; n < 3; ++n)
            explorer.touch(&flags[Shared ? 0 : cpu]);
    }
    static std::string verdict() { return {}; }

    Explorer& explorer;
    NoMachine machine;
    int flags[Cpus]{};
};

TEST(ExplorerTest, TriesConflictingStepsInEveryOrder)
{
    EXPECT_EQ((Explorer{}.explore<ThreeSteps<2, true>>().schedules), 20u);   // 6! / (3! 3!)
    EXPECT_EQ((Explorer{}.explore<ThreeSteps<3, true>>().schedules), 1680u); // 9! / (3! 3! 3!)
}

TEST(ExplorerTest, TriesIndependentStepsInFewOrders)
{
    EXPECT_LT((Explorer{}.explore<ThreeSteps<2, false>>().schedules), 10u);
    EXPECT_LT((Explorer{}.explore<ThreeSteps<3, false>>().schedules), 100u);
}

// Two CPUs take one step on a shared flag, and before it some that nobody else notices.
struct MostlyLocal {
    explicit MostlyLocal(Explorer& e) : explorer{e} {}
    static u32 cpus() { return 2; }
    void run(u32)
    {
        for (u32 n = 0; n < 5; ++n)
            machine.on_step({arch::Step::Kind::Local});
        explorer.touch(&flag);
    }
    static std::string verdict() { return {}; }

    Explorer& explorer;
    NoMachine machine;
    int flag{0};
};

TEST(ExplorerTest, DecidesNothingBeforeStepsThatNobodyNotices)
{
    EXPECT_EQ(Explorer{}.explore<MostlyLocal>().schedules, 2u);
}

// Two CPUs increment a counter. Each reads and writes it in two steps.
struct LostUpdate {
    explicit LostUpdate(Explorer& e) : explorer{e} {}
    static u32 cpus() { return 2; }
    void run(u32)
    {
        explorer.touch(&counter);
        const int seen = counter;
        explorer.touch(&counter);
        counter = seen + 1;
    }
    std::string verdict() const { return counter == 2 ? "" : "an update was lost"; }

    Explorer& explorer;
    NoMachine machine;
    int counter{0};
};

// Two CPUs wait for each other.
struct Deadlock {
    explicit Deadlock(Explorer& e) : explorer{e} {}
    static u32 cpus() { return 2; }
    void run(u32 cpu)
    {
        explorer.wait_until(&done, [this, cpu] { return done[1 - cpu]; });
        done[cpu] = true;
    }
    static std::string verdict() { return {}; }

    Explorer& explorer;
    NoMachine machine;
    bool done[2]{};
};

TEST(ExplorerTest, FindsALostUpdate)
{
    EXPECT_EQ(Explorer{}.explore<LostUpdate>().failure, "an update was lost");
}

TEST(ExplorerTest, FindsADeadlock)
{
    EXPECT_EQ(Explorer{}.explore<Deadlock>().failure, "all CPUs wait for each other");
}

} // namespace
} // namespace percival::testing
