// SPDX-License-Identifier: BSD-2-Clause
// kernel/hotplug/hotplug.cpp on the machine: what becomes of a CPU that does not go, or does not come.
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/hotplug.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

TEST(MachineHotplug, ACpuThatCannotGoOrComeStaysAsItIs)
{
    EXPECT_EQ(run_kernels(2, 10,
                          [] {
                              expect(!bring_cpu_online(CpuId{1}), "it is online");
                              expect(!take_cpu_offline(CpuId{7}), "there is none");
                              take_offline(1);
                              expect(!take_cpu_offline(CpuId{1}), "it is off already");
                              expect(!take_cpu_offline(kBootCpu), "it is the last one");
                              expect_equal(online_cpu_count(), 1, "online CPUs");
                              board.cpus[1].firmware_error = "the firmware refuses";
                              expect(!bring_cpu_online(CpuId{1}), "the firmware refuses");
                              expect(!is_online(CpuId{1}) && !is_coming(CpuId{1}), "it stays off");
                              board.cpus[1].firmware_error = {};
                              bring_online(1);
                          }),
              "");
}

// Starts CPU 1, which takes so many counts to arrive, and gives it up at once.
void give_up_before_it_arrives(u64 counts)
{
    take_offline(1);
    board.cpus[1].counts_to_arrive = counts;
    set_starting(CpuId{1});
    expect(start_cpu(CpuId{1}).has_value(), "it is started");
    expect(!await_cpu(CpuId{1}, 0).has_value(), "it is given up");
}

TEST(MachineHotplug, ACpuThatArrivesTooLateTurnsItselfOffAndCanBeStartedAgain)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              give_up_before_it_arrives(500);
                              expect(!is_online(CpuId{1}), "it is left out");
                              sleep_for(1000);
                              expect(machine().is_off(1), "it arrives and turns itself off");
                              bring_online(1);
                          }),
              "");
}

// What a CPU is waited for, and how long until it is given up: the first look after the limit. A hundred
// thousand looks take seconds, so these tests have one seed and a suite of their own.
constexpr u64 kGivenUp = 20 * kCountsPerSecond + 200;

TEST(MachineHotplugLimits, ACpuThatDoesNotComeBackIsGivenUpAfterTheLimitAndCanBeStartedAgain)
{
    EXPECT_EQ(run_kernels(3, 1,
                          [] {
                              take_offline(1);
                              board.cpus[1].counts_to_arrive = kNever;
                              const u64 before = now();
                              const auto came = bring_cpu_online(CpuId{1});
                              expect(!came && came.error() == "the CPU did not come up", "it does not come");
                              expect_equal(now() - before, kGivenUp, "the limit");
                              expect(!is_online(CpuId{1}) && !is_coming(CpuId{1}), "it is left out");
                              expect_equal(online_cpu_count(), 2, "online CPUs");
                              board.cpus[1].counts_to_arrive = 0;
                              bring_online(1);
                              expect_equal(online_cpu_count(), 3, "online CPUs");
                          }),
              "");
}

TEST(MachineHotplugLimits, ACpuThatIsNotTurnedOffStaysOfflineUntilItIsOff)
{
    EXPECT_EQ(run_kernels(3, 1,
                          [] {
                              board.cpus[1].stays_on = true;
                              const u64 before = now();
                              const auto gone = take_cpu_offline(CpuId{1});
                              expect(!gone && gone.error() == "the CPU is offline, but the firmware has not "
                                                              "turned it off",
                                     "it is reported");
                              expect_within(now() - before, kGivenUp, kGivenUp + 1000, "the limit");
                              expect(!is_online(CpuId{1}), "it is offline");
                              expect_equal(online_cpu_count(), 2, "online CPUs");
                              const auto back = bring_cpu_online(CpuId{1});
                              expect(!back && back.error() == "the CPU has not gone off", "not yet");
                              expect_equal(board.cpus[1].starts, 1, "starts");
                              board.cpus[1].stays_on = false;
                              bring_online(1);
                          }),
              "");
}

TEST(MachineHotplug, ACpuThatIsStartedAgainBeforeItsLateArrivalIsRefusedUntilItHasArrived)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              give_up_before_it_arrives(1000);
                              const u64 before = now();
                              const auto again = bring_cpu_online(CpuId{1});
                              expect(!again && again.error() == "it is on", "the firmware refuses");
                              expect_equal(now(), before, "at once");
                              sleep_for(1000);
                              expect(machine().is_off(1) && !is_online(CpuId{1}), "it turns itself off");
                              bring_online(1);
                              expect_equal(board.cpus[1].times_online, 2, "times online");
                          }),
              "");
}

TEST(MachineHotplug, ALateArrivalCountsIfTheCpuIsBeingStartedAgain)
{
    EXPECT_EQ(run_kernels(2, 20,
                          [] {
                              give_up_before_it_arrives(1000);
                              board.cpus[1].counts_of_call = 1001;
                              bring_online(1);
                              expect_equal(board.cpus[1].starts, 2, "starts");
                              expect_equal(board.cpus[1].times_online, 2, "times online");
                          }),
              "");
}

TEST(MachineHotplug, ACpuThatTheFirmwareCannotTurnOffStaysAsItIs)
{
    EXPECT_EQ(run_kernels(3, 20,
                          [] {
                              board.cpus[1].can_be_turned_off = false;
                              Running pinned{[] {
                                                 compute(5 * kTick);
                                                 expect(this_cpu_id() == CpuId{1}, "it stays there");
                                             },
                                             on_cpu(1)};
                              const u64 before = now();
                              const auto gone = take_cpu_offline(CpuId{1});
                              expect(!gone &&
                                         gone.error() == "the firmware cannot turn this CPU off and on again",
                                     "it is refused");
                              expect_equal(now(), before, "at once");
                              expect(is_online(CpuId{1}) && active_cpus().contains(CpuId{1}), "it is online");
                              expect_equal(online_cpu_count(), 3, "online CPUs");
                              for (const u32 count : drained[1])
                                  expect_equal(count, 0, "it keeps its stocks");
                          }),
              "");
}

} // namespace
} // namespace percival::testing
