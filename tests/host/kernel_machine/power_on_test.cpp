// SPDX-License-Identifier: BSD-2-Clause
// kernel/hotplug/power_on.cpp on the machine: CPUs that wait in spin tables of the firmware.
#include "kernel/hotplug/power_on.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "mm/image/image.hpp"

#include <gtest/gtest.h>

#include <string>

namespace percival::testing {
namespace {

constexpr Bytes kDoubleword{sizeof(u64)};

void expect_all_online(u32 cpus)
{
    expect_equal(online_cpu_count(), cpus, "online CPUs");
    for (u32 cpu = 1; cpu < cpus; ++cpu) {
        expect_equal(board.cpus[cpu].starts, 1, "starts");
        expect_equal(board.cpus[cpu].times_online, 1, "times online");
    }
}

// Brings up two CPUs, of which CPU 1 has this release address. Returns whether it came.
bool comes_by(PhysAddr address)
{
    put_into_spin_table(1, address);
    bring_up_secondaries(this_machine());
    expect(is_online(CpuId{2}), "the other one comes in any case");
    return is_online(CpuId{1});
}

std::string comes(PhysAddr address)
{
    return run_boots(3, 5, [address] {
        expect(comes_by(address), "it comes");
        expect_equal(board.ioremaps, 1, "mappings");
    });
}

std::string is_refused(PhysAddr address, const std::string& why)
{
    return run_boots(3, 5, [&] {
        expect(!comes_by(address), "it stays off");
        expect_equal(board.ioremaps, 0, "mappings");
        expect_equal(board.cpus[1].starts, 0, "starts");
        expect_console({"cpu1: its release address " + why,
                        "cpu1: spin table: the CPU's release address must not be written to, left out"});
        expect(!bring_cpu_online(CpuId{1}), "it cannot be started later");
        expect_console({"cpu1: its release address " + why});
    });
}

TEST(MachinePowerOn, CpusOfOneReleaseAddressComeTogetherAndOnce)
{
    EXPECT_EQ(run_boots(5, 30,
                        [] {
                            for (u32 cpu = 1; cpu < 5; ++cpu) {
                                put_into_spin_table(cpu, kSpinTable);
                                board.cpus[cpu].counts_to_arrive = choose(100);
                            }
                            bring_up_secondaries(this_machine());
                            expect_all_online(5);
                        }),
              "");
}

TEST(MachinePowerOn, EachCpuOfItsOwnReleaseAddressComes)
{
    EXPECT_EQ(run_boots(4, 20,
                        [] {
                            for (u32 cpu = 1; cpu < 4; ++cpu)
                                put_into_spin_table(cpu, kSpinTable + kDoubleword * cpu);
                            bring_up_secondaries(this_machine());
                            expect_all_online(4);
                            expect_equal(board.ioremaps, 3, "mappings");
                        }),
              "");
}

TEST(MachinePowerOn, CpusOfSpinTablesAndOfTheFirmwareComeTogether)
{
    EXPECT_EQ(run_boots(5, 20,
                        [] {
                            put_into_spin_table(2, kSpinTable);
                            put_into_spin_table(4, kSpinTable);
                            bring_up_secondaries(this_machine());
                            expect_all_online(5);
                        }),
              "");
}

// One CPU less is released, although another one is when all are.
TEST(MachinePowerOn, NoCpuIsReleasedBesideOneThatIsNotMarkedAsStarting)
{
    const std::string failure = run_boots(3, 1, [] {
        put_into_spin_table(1, kSpinTable);
        put_into_spin_table(2, kSpinTable);
        set_starting(CpuId{1});
        static_cast<void>(start_cpu(CpuId{1}));
    });
    EXPECT_NE(failure.find("not true: all_may_come"), failure.npos) << failure;
}

TEST(MachinePowerOn, AReleaseAddressInMemoryIsUsedUpToItsEnds)
{
    EXPECT_EQ(comes(kSpinTable), "");
    EXPECT_EQ(comes(kSpinTable + Bytes{4096} - kDoubleword), "");
    EXPECT_EQ(comes(PhysAddr{0x4000'0000}), "");
    EXPECT_EQ(comes(PhysAddr{0x8000'0000} - kDoubleword), "");
    EXPECT_EQ(comes(mm::image_in_memory().base - kDoubleword), "");
    EXPECT_EQ(comes(mm::image_in_memory().end()), "");
}

TEST(MachinePowerOn, AReleaseAddressThatIsSomethingElseIsRefusedByName)
{
    EXPECT_EQ(is_refused(PhysAddr{0}, "P:0x0 is 0: the loader has not filled it in"), "");
    EXPECT_EQ(is_refused(kSpinTable + Bytes{4}, "P:0x100004 is not the address of a doubleword"), "");
    const std::string outside = " is neither in memory nor in reserved memory";
    EXPECT_EQ(is_refused(kSpinTable + Bytes{4096}, "P:0x101000" + outside), "");
    EXPECT_EQ(is_refused(PhysAddr{0x8000'0000}, "P:0x80000000" + outside), "");
    EXPECT_EQ(is_refused(PhysAddr{0x4000'0000} - kDoubleword, "P:0x3ffffff8" + outside), "");
    const std::string image = " is in the kernel's own image";
    EXPECT_EQ(is_refused(mm::image_in_memory().base, "P:0x40200000" + image), "");
    EXPECT_EQ(is_refused(mm::image_in_memory().end() - kDoubleword, "P:0x403ffff8" + image), "");
}

TEST(MachinePowerOn, AReleaseAddressThatCannotBeMappedIsReported)
{
    EXPECT_EQ(run_boots(3, 5,
                        [] {
                            board.mappings_are_out = true;
                            expect(!comes_by(kSpinTable), "it stays off");
                            expect_console(
                                {"cpu1: spin table: the CPU's release address cannot be mapped, left out"});
                        }),
              "");
}

TEST(MachinePowerOn, ACpuOfASpinTableThatGoesOfflineReturnsWithoutIt)
{
    EXPECT_EQ(run_boots(3, 20,
                        [] {
                            put_into_spin_table(1, kSpinTable);
                            put_into_spin_table(2, kSpinTable);
                            bring_up_secondaries(this_machine());
                            sleep_for(10);
                            const u32 mapped = board.ioremaps;
                            expect(take_cpu_offline(CpuId{1}).has_value(), "it goes");
                            expect(bring_cpu_online(CpuId{1}).has_value(), "it comes back");
                            expect_equal(board.cpus[1].times_online, 2, "times online");
                            expect_equal(board.cpus[2].starts, 1, "starts of the other one");
                            expect_equal(board.ioremaps, mapped, "mappings");
                        }),
              "");
}

TEST(MachinePowerOn, ACpuAtAMailboxComesAndReturnsWithoutIt)
{
    EXPECT_EQ(run_boots(3, 20,
                        [] {
                            put_into_mailbox(1, kSpinTable);
                            bring_up_secondaries(this_machine());
                            expect_all_online(3);
                            expect_equal(board.ioremaps, 1, "mappings");
                            expect(take_cpu_offline(CpuId{1}).has_value(), "it goes");
                            expect(bring_cpu_online(CpuId{1}).has_value(), "it comes back");
                            expect_equal(board.cpus[1].times_online, 2, "times online");
                            expect_equal(board.ioremaps, 1, "mappings");
                        }),
              "");
}

TEST(MachinePowerOn, ACpuWithoutAMailboxIsLeftOutAndNotWoken)
{
    EXPECT_EQ(run_boots(2, 5,
                        [] {
                            put_into_mailbox(1, kSpinTable);
                            board.cpus[1].has_mailbox = false;
                            bring_up_secondaries(this_machine());
                            expect(!is_online(CpuId{1}), "it stays off");
                            expect_equal(board.ioremaps, 1, "mappings");
                            expect_console({"cpu1: the mailbox is not set up, left out"});
                        }),
              "");
}

TEST(MachinePowerOn, AMailboxInMemoryOfTheKernelIsNotWrittenTo)
{
    EXPECT_EQ(run_boots(2, 5,
                        [] {
                            put_into_mailbox(1, mm::image_in_memory().base);
                            bring_up_secondaries(this_machine());
                            expect(!is_online(CpuId{1}), "it stays off");
                            expect_equal(board.ioremaps, 0, "mappings");
                            expect_console(
                                {"cpu1: its release address P:0x40200000 is in the kernel's own image",
                                 "cpu1: parking protocol: the CPU's mailbox must not be written to, "
                                 "left out"});
                        }),
              "");
}

} // namespace
} // namespace percival::testing
