// SPDX-License-Identifier: BSD-2-Clause
// kernel/hotplug/bring_up.cpp on the machine: the boot CPU starts the others, some of which do not come.
#include "kernel/hotplug/bring_up.hpp"

#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sync/rcu.hpp"
#include "kernel_machine/support/bring_up.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <vector>

namespace percival::testing {
namespace {

TEST(MachineBringUp, TheBootCpuIsOnlineBeforeAnyOther)
{
    EXPECT_EQ(run_boots(3, 10,
                        [] {
                            expect(is_online(kBootCpu), "it is online");
                            expect_equal(online_cpu_count(), 1, "online CPUs");
                            for (u32 cpu = 1; cpu < 3; ++cpu) {
                                expect_equal(board.cpus[cpu].starts, 0, "starts");
                                expect(has_never_started(CpuId{cpu}), "it is off");
                            }
                        }),
              "");
}

TEST(MachineBringUp, EachCpuComesOnlineOnceAndInItsOwnTime)
{
    EXPECT_EQ(run_boots(6, 20,
                        [] {
                            u64 last = 0;
                            for (u32 cpu = 1; cpu < 6; ++cpu) {
                                board.cpus[cpu].counts_to_arrive = cpu == 1 ? 0 : choose(400);
                                last = std::max(last, board.cpus[cpu].counts_to_arrive);
                            }
                            const u64 before = now();
                            bring_up();
                            expect_within(now() - before, last, last + kSetUp, "the time of all");
                            expect_equal(online_cpu_count(), 6, "online CPUs");
                            let_all_join();
                            for (u32 cpu = 1; cpu < 6; ++cpu) {
                                const u64 own = board.cpus[cpu].counts_to_arrive;
                                expect_equal(board.cpus[cpu].starts, 1, "starts");
                                expect_within(board.cpus[cpu].online_since - before, own, own + kSetUp,
                                              "the time of one");
                                expect_online(cpu, true);
                            }
                        }),
              "");
}

TEST(MachineBringUp, ACpuThatDoesNotComeIsGivenUpAtTheLimitAndTheOthersGoOn)
{
    EXPECT_EQ(run_boots(4, 3,
                        [] {
                            board.cpus[2].counts_to_arrive = kNever;
                            board.cpus[3].counts_to_arrive = 5 * kTick;
                            const u64 before = at_a_step();
                            bring_up();
                            expect_equal(now() - before, kLimit, "the limit");
                            expect_console({did_not_come(2)});
                            expect_equal(board.cpus[2].starts, 1, "starts");
                            expect_within(board.cpus[1].online_since - before, 0, kSetUp + kStep, "CPU 1");
                            expect_within(board.cpus[3].online_since - before, 5 * kTick,
                                          5 * kTick + kSetUp + kStep, "CPU 3");
                            for (u32 cpu = 1; cpu < 4; ++cpu)
                                expect_online(cpu, cpu != 2);
                            std::atomic<u32> called{0};
                            call_on_others([&] { ++called; });
                            expect_equal(called, 2, "calls");
                            const u64 at_rest = now();
                            rcu::synchronize();
                            expect_equal(now(), at_rest, "a grace period does not wait for it");
                        }),
              "");
}

TEST(MachineBringUp, ManyCpusHaveMoreTime)
{
    EXPECT_EQ(run_boots(12, 1,
                        [] {
                            board.cpus[11].counts_to_arrive = kNever;
                            const u64 before = at_a_step();
                            bring_up();
                            expect_equal(now() - before, 30 * kCountsPerSecond, "20 s for 8 CPUs");
                            expect_console({did_not_come(11)});
                        }),
              "");
}

// It has arrived, and its set-up ends after the limit.
TEST(MachineBringUp, ACpuThatArrivesJustInTimeIsWaitedFor)
{
    EXPECT_EQ(run_boots(2, 4,
                        [] {
                            board.cpus[1].counts_to_arrive = kLimit - 1;
                            const u64 before = at_a_step();
                            bring_up();
                            const u64 since = board.cpus[1].online_since;
                            expect_within(since - before, kLimit + 1, kLimit - 1 + kSetUp, "it comes online");
                            expect_within(now(), since, since + kStep, "and is waited for no longer");
                            let_all_join();
                            expect_online(1, true);
                        }),
              "");
}

TEST(MachineBringUp, ACpuThatArrivesTooLateTurnsItselfOffSilently)
{
    EXPECT_EQ(run_boots(2, 4,
                        [] {
                            board.cpus[1].counts_to_arrive = kLimit + 1;
                            const u64 before = at_a_step();
                            bring_up();
                            expect_equal(now() - before, kLimit, "the limit");
                            expect_console({did_not_come(1)});
                            expect(!machine().is_off(1) && !has_said_goodbye(CpuId{1}), "it is on its way");
                            sleep_for(2);
                            expect(machine().is_off(1) && has_said_goodbye(CpuId{1}), "it is off");
                            expect_online(1, false);
                            expect_console({});
                        }),
              "");
}

TEST(MachineBringUp, ACpuThatArrivesAtTheLimitIsEitherOnlineOrLeftOut)
{
    EXPECT_EQ(run_boots(2, 10,
                        [] {
                            board.cpus[1].counts_to_arrive = kLimit;
                            at_a_step();
                            bring_up();
                            let_all_join();
                            const bool online = is_online(CpuId{1});
                            if (online)
                                expect_console({});
                            else
                                expect_console({did_not_come(1)});
                            expect_equal(machine().is_off(1) ? 1 : 0, online ? 0 : 1, "off");
                            expect_online(1, online);
                        }),
              "");
}

TEST(MachineBringUp, AMachineOfOneCpuNeedsNothing)
{
    EXPECT_EQ(run_boots(1, 5,
                        [] {
                            board.pages_are_out = true;
                            const u64 before = now();
                            bring_up();
                            expect_equal(now(), before, "at once");
                            expect_equal(online_cpu_count(), 1, "online CPUs");
                        }),
              "");
}

TEST(MachineBringUp, AtRandomEachCpuHasItsOwnFate)
{
    EXPECT_EQ(run_boots(8, 12,
                        [] {
                            std::vector<std::string> lines;
                            std::array<bool, 8> comes{};
                            bool waits = false;
                            for (u32 cpu = 1; cpu < 8; ++cpu) {
                                BoardCpu& fate = board.cpus[cpu];
                                switch (choose(8)) {
                                case 0:
                                    fate.counts_to_arrive = kNever;
                                    lines.push_back(did_not_come(cpu));
                                    waits = true;
                                    break;
                                case 1:
                                    fate.counts_to_arrive = kLimit + 1 + choose(kTick);
                                    lines.push_back(did_not_come(cpu));
                                    waits = true;
                                    break;
                                case 2:
                                    fate.firmware_error = "it refuses";
                                    lines.push_back(line(cpu, "it refuses"));
                                    break;
                                case 3:
                                    fate.controller_error = "it has no interface";
                                    lines.push_back(line(cpu, "it has no interface"));
                                    break;
                                default:
                                    fate.counts_to_arrive = choose(5 * kTick);
                                    comes[cpu] = true;
                                }
                            }
                            const u64 before = at_a_step();
                            bring_up();
                            if (waits)
                                expect_equal(now() - before, kLimit, "the limit");
                            else
                                expect_within(now() - before, 0, 5 * kTick + kSetUp + 2 * kStep, "the time");
                            expect_console(lines);
                            sleep_for(kTick + 10);
                            for (u32 cpu = 1; cpu < 8; ++cpu) {
                                expect_equal(machine().is_off(cpu) ? 1 : 0, comes[cpu] ? 0 : 1, "off");
                                expect_online(cpu, comes[cpu]);
                            }
                            std::atomic<u32> called{0};
                            call_on_others([&] { ++called; });
                            expect_equal(called + 1, online_cpu_count(), "calls");
                        }),
              "");
}

} // namespace
} // namespace percival::testing
