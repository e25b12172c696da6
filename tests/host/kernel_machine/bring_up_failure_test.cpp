// SPDX-License-Identifier: BSD-2-Clause
// kernel/hotplug/bring_up.cpp on the machine: CPUs, or their firmware, that cannot do what the kernel needs.
#include "kernel/cpus/online.hpp"
#include "kernel_machine/support/bring_up.hpp"

#include <gtest/gtest.h>

#include <string>

namespace percival::testing {
namespace {

TEST(MachineBringUpFailure, ACpuAtAnotherLevelIsRefusedByNameAtOnceAndTheOthersGoOn)
{
    EXPECT_EQ(run_boots(4, 3,
                        [] {
                            board.cpus[2].is_at_another_level = true;
                            const u64 before = at_a_step();
                            bring_up();
                            expect_within(now() - before, 0, kLimit / 2, "the time of all");
                            expect_console({line(2, "refused, because it lacks el2")});
                            expect(board.cpus[2].is_off_the_tables, "its MMU is off");
                            let_all_join();
                            for (u32 cpu = 1; cpu < 4; ++cpu)
                                expect_online(cpu, cpu != 2);
                        }),
              "");
}

TEST(MachineBringUpFailure, ACpuThatTheFirmwareRefusesIsReportedAndNotWaitedFor)
{
    EXPECT_EQ(run_boots(4, 20,
                        [] {
                            board.cpus[1].firmware_error = "PSCI CPU_ON: denied by the firmware";
                            board.cpus[3].call_is_undefined = true;
                            const u64 before = at_a_step();
                            bring_up();
                            expect_within(now() - before, 0, kSetUp + kStep, "the time of all");
                            expect_console({line(1, "PSCI CPU_ON: denied by the firmware"),
                                            line(3, "the firmware call is undefined on this machine")});
                            let_all_join();
                            expect_online(1, false);
                            expect_online(2, true);
                            expect_online(3, false);
                            expect_equal(board.cpus[1].starts + board.cpus[3].starts, 0, "starts");
                        }),
              "");
}

TEST(MachineBringUpFailure, AnErrorOfTheFirmwareDoesNotCountIfTheCpuHasArrivedAllTheSame)
{
    EXPECT_EQ(run_boots(3, 20,
                        [] {
                            for (u32 cpu = 1; cpu < 3; ++cpu) {
                                board.cpus[cpu].firmware_error = "PSCI CPU_ON: internal failure";
                                board.cpus[cpu].starts_all_the_same = true;
                                board.cpus[cpu].counts_of_call = 100;
                            }
                            board.cpus[1].counts_to_arrive = 99;
                            board.cpus[2].counts_to_arrive = 101;
                            bring_up();
                            expect_console({line(2, "PSCI CPU_ON: internal failure")});
                            sleep_for(100);
                            expect_online(1, true);
                            expect_online(2, false);
                            expect(machine().is_off(2), "it turns itself off when it arrives");
                        }),
              "");
}

TEST(MachineBringUpFailure, ACpuWhoseInterruptControllerFailsIsTurnedOff)
{
    EXPECT_EQ(run_boots(3, 20,
                        [] {
                            board.cpus[1].counts_to_arrive = choose(100);
                            board.cpus[1].controller_error = "no redistributor has its affinity";
                            const u64 before = at_a_step();
                            bring_up();
                            expect_within(now() - before, board.cpus[1].counts_to_arrive,
                                          board.cpus[1].counts_to_arrive + kSetUp + kStep,
                                          "it is not waited for");
                            expect_console({line(1, "no redistributor has its affinity")});
                            sleep_for(1);
                            expect(machine().is_off(1) && has_said_goodbye(CpuId{1}), "it is off");
                            expect_online(1, false);
                            expect_online(2, true);
                        }),
              "");
}

TEST(MachineBringUpFailure, ACpuWhoseTimerIsSilentTakesNoInterruptsAndIsTurnedOff)
{
    EXPECT_EQ(run_boots(3, 20,
                        [] {
                            board.cpus[2].timer_stays_disabled = true;
                            const u64 before = at_a_step();
                            bring_up();
                            expect_within(now() - before, 1, kSetUp + kStep, "it is not waited for");
                            expect_console({line(
                                2, "the timer does not interrupt: interrupt 27 stays disabled, not pending "
                                   "and not active, in Group 1; the timer does not ring")});
                            sleep_for(1);
                            expect(machine().is_off(2) && has_said_goodbye(CpuId{2}), "it is off");
                            expect(!machine().is_connected(2), "it takes no interrupts");
                            expect_online(1, true);
                            expect_online(2, false);
                        }),
              "");
}

TEST(MachineBringUpFailure, ACpuWhoseTimerInterruptAnotherDeviceRaisesIsTurnedOff)
{
    EXPECT_EQ(run_boots(3, 2,
                        [] {
                            board.cpus[2].another_raises_timer_interrupt = true;
                            bring_up();
                            expect_console(
                                {line(2, "the timer does not interrupt: interrupt 27 is pending without an "
                                         "alarm, so another device raises it")});
                            sleep_for(1);
                            expect(machine().is_off(2) && has_said_goodbye(CpuId{2}), "it is off");
                            expect(!machine().is_connected(2), "it takes no interrupts");
                            expect_online(1, true);
                            expect_online(2, false);
                        }),
              "");
}

TEST(MachineBringUpFailure, WithoutMemoryForTheBootRecordsItPanics)
{
    const std::string failure = run_boots(3, 1, [] {
        board.pages_are_out = true;
        bring_up();
    });
    EXPECT_NE(failure.find("panic: no memory for the boot records of 3 CPUs"), failure.npos) << failure;
}

} // namespace
} // namespace percival::testing
