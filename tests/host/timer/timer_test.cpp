// SPDX-License-Identifier: BSD-2-Clause
// Tests the driver of the generic timer on a model whose registers take effect with the next ISB, and whose
// count a CPU may read early unless an ISB keeps it from that.
#include "arch/devices/timer.hpp"

#include "arch/simulation/register_model.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace percival::arch {
namespace {

constexpr u64 kEnable = 1, kMask = 2, kStatus = 4;
constexpr Alarm kAlarm{.interrupt = 27, .is_physical = false};
constexpr u64 kCortexA73 = 0x410f'd092, kCortexA72 = 0x410f'd083;

class TimerModel final : public RegisterModel {
public:
    u64 count{1000};
    u64 frequency_register{0xffff'ffff'0000'0000 | 62'500'000}; // the upper half is reserved
    u64 midr{kCortexA72};
    std::vector<u64> script{}; // what the next reads of the count return, the last one first
    u64 reads_of_count{0};
    // The set-up in effect: what the hardware compares and what the line follows.
    u64 time{0};
    u64 control{0};
    u64 rang_early{0}; // how often the line was high before the alarm's own time

    bool line() const { return (control & kEnable) != 0 && (control & kMask) == 0 && count >= time; }
    bool has_settled() const { return written_.empty(); }

    u64 read(u64, u32) override { return fail("device register"); }
    void write(u64, u64, u32) override { fail("device register"); }
    u64 read_system(std::string_view name) override
    {
        if (name == "cntfrq_el0")
            return frequency_register;
        if (name == "midr_el1")
            return midr;
        if (name == "cntv_ctl_el0") {
            EXPECT_TRUE(has_settled());
            // ISTATUS is UNKNOWN while the timer is disabled.
            return control | ((control & kEnable) == 0 || count >= time ? kStatus : 0);
        }
        if (name != "cntvct_el0")
            return fail(name);
        EXPECT_TRUE(std::exchange(is_synchronized_, false)) << "the count is read early";
        ++reads_of_count;
        if (script.empty())
            return count++;
        const u64 value = script.back();
        script.pop_back();
        return value;
    }
    void write_system(std::string_view name, u64 value) override
    {
        is_synchronized_ = false;
        if (name != "cntv_cval_el0" && name != "cntv_ctl_el0")
            fail(name);
        if (name == "cntv_ctl_el0" && (value & kEnable) != 0)
            EXPECT_FALSE(written_.contains("cntv_cval_el0")) << "the old time may ring";
        written_[std::string{name}] = value;
    }
    void isb() override
    {
        is_synchronized_ = true;
        for (const auto& [name, value] : std::exchange(written_, {}))
            (name == "cntv_cval_el0" ? time : control) = value;
    }

private:
    static u64 fail(std::string_view what)
    {
        ADD_FAILURE() << what;
        return 0;
    }
    std::map<std::string, u64> written_{};
    bool is_synchronized_{false};
};

std::string described_errata()
{
    std::array<char, 256> buffer{};
    Writer out{buffer};
    describe_counter_errata(out);
    return std::string{out.text()};
}

class TimerTest : public testing::Test {
protected:
    ~TimerTest() override { EXPECT_TRUE(model.has_settled()); }
    TimerModel model;
};

TEST(TimerAlarm, is_at_el1_the_virtual_timer_and_at_el2_one_of_el2_that_has_an_interrupt)
{
    const auto alarm = [](u64 level, u32 physical, u32 virtual_timer) {
        const auto found = alarm_at(level, {.virtual_interrupt = 27,
                                            .hypervisor_physical_interrupt = physical,
                                            .hypervisor_virtual_interrupt = virtual_timer});
        return found ? std::pair{found->interrupt, found->is_physical} : std::pair{0U, false};
    };
    EXPECT_EQ(alarm(1, 0, 0), (std::pair{27U, false}));
    EXPECT_EQ(alarm(1, 26, 28), (std::pair{27U, false}));
    EXPECT_EQ(alarm(2, 26, 28), (std::pair{28U, false}));
    EXPECT_EQ(alarm(2, 0, 28), (std::pair{28U, false}));
    EXPECT_EQ(alarm(2, 26, 0), (std::pair{26U, true}));
    EXPECT_EQ(alarm(2, 0, 0), (std::pair{0U, false})) << "none";
}

TEST_F(TimerTest, the_trees_frequency_overrides_the_registers)
{
    EXPECT_TRUE(timer_init({.frequency_override = 0}, kAlarm));
    EXPECT_EQ(timer_frequency(), 62'500'000u);
    EXPECT_TRUE(timer_init({.frequency_override = 24'000'000}, {.interrupt = 29, .is_physical = false}));
    EXPECT_EQ(timer_frequency(), 24'000'000u);
    EXPECT_EQ(timer_interrupt(), 29u);
    model.count = 48'000'000;
    EXPECT_EQ(timer_nanoseconds(), 2'000'000'000u);
    model.frequency_register = 0;
    EXPECT_TRUE(timer_init({.frequency_override = 1}, kAlarm));
    EXPECT_FALSE(timer_init({.frequency_override = 0}, kAlarm));
}

TEST_F(TimerTest, an_alarm_rings_at_its_time_and_not_before)
{
    model.time = 7; // long past
    timer_set_alarm(500);
    EXPECT_EQ(model.time, 1500u);
    EXPECT_EQ(model.control, kEnable);
    EXPECT_FALSE(model.line());
    EXPECT_FALSE(timer_rings());
    model.count = 1499;
    EXPECT_FALSE(model.line());
    model.count = 1500;
    EXPECT_TRUE(model.line());
    EXPECT_TRUE(timer_rings());
    timer_cancel_alarm();
    EXPECT_FALSE(model.line());
    EXPECT_FALSE(timer_rings());
    timer_set_alarm(0);
    EXPECT_TRUE(timer_rings());
}

TEST_F(TimerTest, an_alarm_beyond_the_end_of_the_count_rings_at_its_end)
{
    timer_set_alarm(~u64{0} - 1000);
    EXPECT_EQ(model.time, ~u64{0});
    model.count = 1000;
    timer_set_alarm(~u64{0} - 1001);
    EXPECT_EQ(model.time, ~u64{0} - 1);
    model.count = 1000;
    timer_set_alarm(~u64{0} - 999);
    EXPECT_EQ(model.time, ~u64{0});
    timer_set_alarm(~u64{0});
    EXPECT_EQ(model.time, ~u64{0});
}

TEST_F(TimerTest, a_new_alarm_replaces_the_mute_of_the_old_one)
{
    model.control = kEnable | kMask;
    timer_set_alarm(0);
    EXPECT_TRUE(model.line());
}

TEST_F(TimerTest, a_muted_alarm_holds_no_line_and_interrupts_afterwards)
{
    timer_set_alarm(0);
    EXPECT_TRUE(model.line());
    {
        const AlarmMute mute;
        EXPECT_FALSE(model.line());
        EXPECT_EQ(model.control & kEnable, kEnable);
        EXPECT_TRUE(timer_rings()); // a hypervisor may mask it, too
    }
    EXPECT_TRUE(model.line());
    EXPECT_EQ(model.control & kMask, 0u);
}

// Leaves the errata of the machine and of its CPUs behind: each test runs in a program of its own.
TEST_F(TimerTest, each_erratum_is_described_and_handled)
{
    struct Case {
        CounterErratum erratum;
        std::string_view words;
    };
    constexpr std::string_view kOfCpu = ", twice, for rollovers of its lower half (erratum 858921)";
    ASSERT_TRUE(timer_init({}, kAlarm));
    EXPECT_EQ(described_errata(), "");
    timer_ticks();
    EXPECT_EQ(model.reads_of_count, 1u);

    ASSERT_TRUE(timer_init({.counter_erratum = CounterErratum::FslA008585}, kAlarm));
    model.script = {40, 40, 39, 17};
    EXPECT_EQ(timer_ticks(), 40u);
    EXPECT_EQ(model.reads_of_count, 5u);

    constexpr Case kCases[] = {
        {CounterErratum::FslA008585, ", until two reads agree (fsl,erratum-a008585)"},
        {CounterErratum::Hisilicon161010101, ", until two reads are near (hisilicon,erratum-161010101)"},
        {CounterErratum::AllwinnerUnknown1,
         ", not while its low bits roll over (allwinner,erratum-unknown1)"}};
    for (const Case& one : kCases) {
        ASSERT_TRUE(timer_init({.counter_erratum = one.erratum}, kAlarm));
        EXPECT_EQ(described_errata(), one.words);
    }
    model.midr = kCortexA73;
    timer_init_cpu();
    EXPECT_EQ(described_errata(), std::string{kCases[2].words} + std::string{kOfCpu});
    ASSERT_TRUE(timer_init({}, kAlarm));
    EXPECT_EQ(described_errata(), kOfCpu);
    model.script = {0x2'0000'0000, 0x1'ffff'fffe};
    EXPECT_EQ(timer_ticks(), 0x1'ffff'fffeu);
}

TEST_F(TimerTest, a_cpu_with_an_erratum_that_comes_later_is_heeded)
{
    ASSERT_TRUE(timer_init({}, kAlarm));
    model.midr = kCortexA73;
    timer_init_cpu();
    const u64 before = model.reads_of_count;
    timer_ticks();
    EXPECT_EQ(model.reads_of_count, before + 2);
}

} // namespace
} // namespace percival::arch
