// SPDX-License-Identifier: BSD-2-Clause
// Tests how the machine's watchdogs are taken over, kicked, and made to reset the machine.
#include "kernel/report/hardware_watchdogs.hpp"

#include "watchdogs/watchdog_bed.hpp"

#include <algorithm>
#include <memory>

namespace percival {
namespace {

constexpr WatchdogDescription kBcm2835{.kind = WatchdogKind::Bcm2835};
constexpr WatchdogDescription kImx{.kind = WatchdogKind::Imx};
constexpr WatchdogDescription kImxByPin{.kind = WatchdogKind::Imx, .resets_by_pin = true};
constexpr WatchdogDescription kImxBigEndian{.kind = WatchdogKind::Imx, .is_big_endian = true};
constexpr WatchdogDescription kCadence{.kind = WatchdogKind::Cadence};
constexpr WatchdogDescription kDesignWare{.kind = WatchdogKind::DesignWare};

class HardwareWatchdogsTest : public WatchdogBed {
protected:
    // Lets `seconds` pass with ticks of that period, each of which kicks.
    void run(u64 seconds, u64 tick)
    {
        for (const u64 end = simulated_time + seconds * 1_s; simulated_time < end;) {
            board.pass(tick);
            watchdogs.kick(simulated_time);
        }
    }
    // Returns what is printed of the watchdogs.
    std::vector<std::string> printed_lines() const
    {
        const std::size_t before = printed.size();
        watchdogs.print();
        return {printed.begin() + static_cast<std::ptrdiff_t>(before), printed.end()};
    }
    void expect_stopped(WatchdogModel& model, const WatchdogDescription& description)
    {
        watchdogs.take_over(attach(model, description));
        run(600, kTickOfBusyCpu);
        EXPECT_FALSE(model.reset_at);
        EXPECT_EQ(printed_lines(),
                  std::vector<std::string>{"watchdog: P:0xfe100000 left running by the firmware; stopped"});
    }
    void expect_kicked(WatchdogModel& model, const WatchdogDescription& description)
    {
        watchdogs.take_over(attach(model, description));
        run(600, kTickOfBusyCpu);
        run(600, kTickOfIdleCpu);
        EXPECT_FALSE(model.reset_at);
        EXPECT_EQ(printed_lines(),
                  std::vector<std::string>{
                      "watchdog: P:0xfe100000 left running by the firmware; kicked every 1000 ms"});
        board.pass(600 * 1_s); // without a kick
        EXPECT_TRUE(model.reset_at);
    }
    void expect_off(WatchdogModel& model, const WatchdogDescription& description)
    {
        watchdogs.take_over(attach(model, description));
        run(60, kTickOfBusyCpu);
        EXPECT_EQ(model.writes, 0u);
        EXPECT_FALSE(model.reset_at);
        EXPECT_EQ(printed_lines(), std::vector<std::string>{});
    }
    void expect_reset(WatchdogModel& model, const WatchdogDescription& description)
    {
        HardwareWatchdogs own;
        own.take_over(attach(model, description));
        const u64 before = simulated_time;
        own.reset();
        ASSERT_TRUE(model.reset_at);
        EXPECT_GE(*model.reset_at, before);
        EXPECT_LE(*model.reset_at, before + 3_s);
    }

    HardwareWatchdogs watchdogs;
};

TEST_F(HardwareWatchdogsTest, what_the_firmware_left_off_is_not_touched)
{
    Bcm2835Model bcm2835{0};
    ImxModel imx{0};
    CadenceModel cadence{0};
    DesignWareModel designware{std::nullopt};
    expect_off(bcm2835, kBcm2835);
    expect_off(imx, kImx);
    expect_off(cadence, kCadence);
    expect_off(designware, kDesignWare);
}

TEST_F(HardwareWatchdogsTest, an_armed_bcm2835_is_stopped)
{
    Bcm2835Model model{15 * 65536};
    expect_stopped(model, kBcm2835);
}

TEST_F(HardwareWatchdogsTest, a_bcm2835_that_does_not_stop_is_kicked)
{
    Bcm2835Model model{15 * 65536};
    model.is_stuck = true;
    expect_kicked(model, kBcm2835);
}

TEST_F(HardwareWatchdogsTest, an_armed_cadence_is_stopped)
{
    CadenceModel model{0x40};
    expect_stopped(model, kCadence);
}

TEST_F(HardwareWatchdogsTest, a_cadence_that_only_interrupts_is_not_touched)
{
    CadenceModel model{0x40};
    model.mode &= ~2u;
    expect_off(model, kCadence);
}

TEST_F(HardwareWatchdogsTest, an_armed_imx_is_kicked_with_both_keys)
{
    ImxModel model{5};
    expect_kicked(model, kImx);
}

TEST_F(HardwareWatchdogsTest, the_registers_of_a_big_endian_imx_are_swapped)
{
    ImxModel model{5, true};
    expect_kicked(model, kImxBigEndian);
}

TEST_F(HardwareWatchdogsTest, the_power_down_counter_of_an_imx_is_stopped)
{
    ImxModel model{0};
    model.power_down_counts = true;
    expect_stopped(model, kImx);
}

TEST_F(HardwareWatchdogsTest, an_armed_designware_is_kicked)
{
    DesignWareModel model{0};
    expect_kicked(model, kDesignWare);
}

TEST_F(HardwareWatchdogsTest, a_watchdog_near_its_end_is_kicked_at_once)
{
    ImxModel model{120};
    const arch::Watchdog watchdog = attach(model, kImx);
    board.pass(59_s);
    watchdogs.take_over(watchdog);
    board.pass(59_s); // the boot, without a tick
    EXPECT_FALSE(model.reset_at);
    run(60, kTickOfBusyCpu);
    EXPECT_FALSE(model.reset_at);
}

TEST_F(HardwareWatchdogsTest, each_of_several_is_kicked_and_only_once_in_a_second)
{
    ImxModel first{5};
    ImxModel second{5};
    ImxModel third{0};
    watchdogs.take_over(attach(first, kImx, 0));
    watchdogs.take_over(attach(second, kImx, 1));
    watchdogs.take_over(attach(third, kImx, 2));
    first.writes = second.writes = third.writes = 0;
    run(100, kTickOfBusyCpu / 8); // the ticks of eight CPUs
    EXPECT_FALSE(first.reset_at);
    EXPECT_FALSE(second.reset_at);
    EXPECT_EQ(first.writes, second.writes);
    EXPECT_GE(first.writes, 2 * 100u);
    EXPECT_LE(first.writes, 2 * 103u);
    EXPECT_EQ(third.writes, 0u);
    EXPECT_EQ(printed_lines().size(), 2u);
}

TEST_F(HardwareWatchdogsTest, a_reset_works_whether_the_firmware_armed_the_watchdog_or_not)
{
    for (const bool armed : {false, true}) {
        Bcm2835Model bcm2835{armed ? 15u * 65536 : 0};
        expect_reset(bcm2835, kBcm2835);
        CadenceModel cadence{armed ? 0x40u : 0};
        expect_reset(cadence, kCadence);
        for (const bool interrupts_first : {false, true}) {
            DesignWareModel designware{armed ? std::optional{15u} : std::nullopt, interrupts_first};
            expect_reset(designware, kDesignWare);
        }
        for (const bool is_big_endian : {false, true}) {
            ImxModel imx{armed ? 120u : 0, is_big_endian};
            expect_reset(imx, is_big_endian ? kImxBigEndian : kImx);
        }
    }
}

// A kernel that refuses to run has taken over nothing.
TEST_F(HardwareWatchdogsTest, an_armed_watchdog_that_was_not_taken_over_resets)
{
    const auto resets = [this](WatchdogModel& model, const WatchdogDescription& description) {
        attach(model, description).start_reset();
        board.pass(3_s);
        return model.reset_at.has_value();
    };
    Bcm2835Model bcm2835{15 * 65536};
    EXPECT_TRUE(resets(bcm2835, kBcm2835));
    ImxModel imx{120};
    EXPECT_TRUE(resets(imx, kImx));
    CadenceModel cadence{0xfff};
    EXPECT_TRUE(resets(cadence, kCadence));
    DesignWareModel designware{15};
    EXPECT_TRUE(resets(designware, kDesignWare));
}

TEST_F(HardwareWatchdogsTest, a_cadence_without_a_reset_pulse_resets_all_the_same)
{
    CadenceModel model{0};
    model.mode = 0;
    expect_reset(model, kCadence);
}

TEST_F(HardwareWatchdogsTest, an_imx_resets_at_once_even_if_a_request_is_lost)
{
    ImxModel model{0};
    model.lost_requests = 1;
    const u64 before = simulated_time;
    expect_reset(model, kImx);
    EXPECT_LE(*model.reset_at, before + 1000);
}

TEST_F(HardwareWatchdogsTest, an_imx_resets_by_its_time_if_no_request_arrives)
{
    for (const u32 halves : {0u, 256u}) {
        ImxModel model{halves};
        model.lost_requests = 1000;
        expect_reset(model, kImx);
        ImxModel by_pin{halves};
        by_pin.lost_requests = 1000;
        by_pin.only_pin_counts = true;
        expect_reset(by_pin, kImxByPin);
    }
}

TEST_F(HardwareWatchdogsTest, a_board_that_needs_the_pin_is_reset_by_the_pin)
{
    ImxModel model{0};
    model.only_pin_counts = true;
    const u64 before = simulated_time;
    expect_reset(model, kImxByPin);
    EXPECT_LE(*model.reset_at, before + 1000);
}

TEST_F(HardwareWatchdogsTest, a_watchdog_that_does_not_reset_is_followed_by_the_next)
{
    ImxModel dead{0};
    dead.only_pin_counts = true; // and its pin is not connected
    Bcm2835Model live{0};
    watchdogs.take_over(attach(dead, kImx, 0));
    watchdogs.take_over(attach(live, kBcm2835, 1));
    const u64 before = simulated_time;
    watchdogs.reset();
    EXPECT_FALSE(dead.reset_at);
    ASSERT_TRUE(live.reset_at);
    EXPECT_GE(*live.reset_at, before + 3_s); // the first had its time
    EXPECT_LE(simulated_time, before + 7_s); // and the attempts end
}

} // namespace
} // namespace percival
