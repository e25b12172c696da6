// SPDX-License-Identifier: BSD-2-Clause
// Tests that a watchdog which cannot be stopped is kicked as long as the run is well, and no longer.
#include "arch/cpu/cpu_features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/report/backtrace_request.hpp"
#include "kernel/report/hardware_watchdogs.hpp"
#include "kernel/report/verdict.hpp"
#include "kernel/report/watchdog.hpp"
#include "watchdogs/watchdog_bed.hpp"

#include <optional>

namespace percival {

namespace {

constexpr u64 kTimeOfWatchdog = 60;

bool ending = false;
struct Ended {
    Verdict verdict;
};

} // namespace

u32 online_cpu_count()
{
    return 4;
}

bool claim_end_of_run()
{
    ending = true;
    return true;
}

bool run_is_ending()
{
    return ending;
}

void end_run(Verdict verdict)
{
    throw Ended{verdict};
}

void backtrace_all_cpus() {}

namespace {

constexpr TestName kTest{"suite", "test"};

class ProgressTest : public WatchdogBed {
protected:
    ProgressTest()
    {
        ending = false;
        begin_watched_test(kTest, {}, 0); // forgets a test that has hung
        end_watched_test();
        // The kernel's own object lives for the whole program: its first watchdog is the one of each test.
        const arch::Watchdog watchdog = attach(model, {.kind = WatchdogKind::Imx});
        static bool first = true;
        if (first)
            hardware_watchdogs().take_over(watchdog);
        first = false;
        print("a line");
    }
    // Lets `seconds` pass with the ticks of a CPU. A tick that ends the run is the last one.
    void run(u64 seconds)
    {
        try {
            for (const u64 end = simulated_time + seconds * 1_s; simulated_time < end && !ending;) {
                board.pass(kTickOfBusyCpu);
                check_watchdog(kTickOfBusyCpu);
            }
        } catch (const Ended& end) {
            verdict = end.verdict;
        }
    }
    ImxModel model{2 * kTimeOfWatchdog};
    std::optional<Verdict> verdict;
};

TEST_F(ProgressTest, a_test_has_hung_once_its_time_has_passed)
{
    begin_watched_test(kTest, {}, 300);
    run(299);
    EXPECT_FALSE(verdict);
    run(2);
    EXPECT_EQ(verdict, Verdict::Hang);
}

TEST_F(ProgressTest, time_in_which_the_machine_stood_still_does_not_count)
{
    begin_watched_test(kTest, {}, 30);
    simulated_time += 3600 * 1_s;
    run(29);
    EXPECT_FALSE(verdict);
    run(2);
    EXPECT_EQ(verdict, Verdict::Hang);
}

TEST_F(ProgressTest, a_second_counts_from_one_tick_of_an_idle_cpu_to_the_next)
{
    begin_watched_test(kTest, {}, 30);
    for (int tick = 1; tick < 30; ++tick) {
        board.pass(kTickOfIdleCpu);
        check_watchdog(kTickOfIdleCpu);
    }
    EXPECT_FALSE(ending);
    board.pass(kTickOfIdleCpu);
    EXPECT_THROW(check_watchdog(kTickOfIdleCpu), Ended);
}

TEST_F(ProgressTest, is_kicked_while_a_test_has_time)
{
    begin_watched_test(kTest, {}, 3600);
    run(3500);
    EXPECT_FALSE(model.reset_at);
    EXPECT_FALSE(ending);
    end_watched_test();
}

TEST_F(ProgressTest, is_not_kicked_once_a_test_has_hung)
{
    begin_watched_test(kTest, {}, 300);
    const u64 begin = simulated_time;
    run(301);
    EXPECT_EQ(verdict, Verdict::Hang);
    EXPECT_FALSE(model.reset_at);
    // The CPU that ends the run got stuck, and the others did not stop: their ticks go on.
    for (int i = 0; i < 100 * 50; ++i) {
        board.pass(kTickOfBusyCpu);
        check_watchdog(kTickOfBusyCpu);
    }
    ASSERT_TRUE(model.reset_at);
    EXPECT_LE(*model.reset_at, begin + (300 + kTimeOfWatchdog + 1) * 1_s);
}

TEST_F(ProgressTest, is_kicked_for_ever_by_a_test_that_may_take_for_ever)
{
    begin_watched_test(kTest, {}, 0);
    run(7200);
    EXPECT_FALSE(model.reset_at);
    end_watched_test();
}

TEST_F(ProgressTest, is_kicked_without_a_test_only_while_lines_are_printed)
{
    for (int i = 0; i < 100; ++i) {
        run(50);
        print("a line");
    }
    EXPECT_FALSE(model.reset_at);
    const u64 last_line = simulated_time;
    run(59 + kTimeOfWatchdog - 2);
    EXPECT_FALSE(model.reset_at);
    run(5);
    ASSERT_TRUE(model.reset_at);
    EXPECT_GE(*model.reset_at, last_line + (58 + kTimeOfWatchdog) * 1_s);
    EXPECT_FALSE(ending); // the machine's watchdog alone ends such a run
}

TEST_F(ProgressTest, is_not_kicked_while_a_panic_is_reported)
{
    ending = true;
    const u64 begin = simulated_time;
    for (int i = 0; i < 70 * 50; ++i) {
        board.pass(kTickOfBusyCpu);
        print("a line of the report");
        check_watchdog(kTickOfBusyCpu);
    }
    ASSERT_TRUE(model.reset_at);
    EXPECT_LE(*model.reset_at, begin + (kTimeOfWatchdog + 1) * 1_s);
}

} // namespace
} // namespace percival
