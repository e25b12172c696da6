// SPDX-License-Identifier: BSD-2-Clause
#include "watchdogs/watchdog_models.hpp"

#include <gtest/gtest.h>

namespace percival {

Bcm2835Model::Bcm2835Model(u32 ticks)
{
    if (ticks == 0)
        return;
    reset_control |= 0x20;
    count_from_here(u64{ticks} * 1'000'000 / 65536);
}

u32 Bcm2835Model::read(u32 offset, u32 bits)
{
    EXPECT_EQ(bits, 32u);
    EXPECT_EQ(offset, 0x1cu);
    return reset_control;
}

void Bcm2835Model::write(u32 offset, u32 value, u32 bits)
{
    EXPECT_EQ(bits, 32u);
    EXPECT_EQ(value >> 24, 0x5au) << "a write without the password is ignored";
    const u32 data = value & 0xff'ffff;
    if (offset == 0x1c) {
        EXPECT_EQ(data & ~0x30u, reset_control & ~0x30u) << "the firmware's bits must stay";
        reset_control = is_stuck ? reset_control : data;
        return;
    }
    EXPECT_EQ(offset, 0x24u);
    EXPECT_LE(data, 0xf'ffffu);
    count_from_here(u64{data} * 1'000'000 / 65536);
}

void Bcm2835Model::elapse()
{
    if ((reset_control & 0x30) == 0x20 && is_due())
        reset_machine();
}

ImxModel::ImxModel(u32 halves, bool is_big_endian) : is_big_endian_{is_big_endian}
{
    if (halves == 0)
        return;
    control_ = static_cast<u16>(control_ | (halves - 1) << 8 | 0x4);
    count_from_here(time());
}

u16 ImxModel::swapped(u32 value) const
{
    const u16 half = static_cast<u16>(value);
    return is_big_endian_ ? static_cast<u16>(half << 8 | half >> 8) : half;
}

void ImxModel::reset(bool by_pin)
{
    if (by_pin || !only_pin_counts)
        reset_machine();
}

u32 ImxModel::read(u32 offset, u32 bits)
{
    EXPECT_EQ(bits, 16u);
    EXPECT_TRUE(offset == 0 || offset == 8) << offset;
    return swapped(offset == 0 ? control_ : power_down_counts);
}

void ImxModel::write(u32 offset, u32 value, u32 bits)
{
    EXPECT_EQ(bits, 16u);
    const u16 data = swapped(value);
    switch (offset) {
    case 0x0: {
        const bool was_enabled = (control_ & 0x4) != 0;
        EXPECT_TRUE(!was_enabled || (data & 0x4) != 0) << "WDE cannot be cleared";
        control_ = data;
        if (!was_enabled)
            count_from_here(time());
        const bool asks = (data & 0x30) != 0x30;
        if (asks && lost_requests == 0)
            reset((data & 0x20) == 0);
        lost_requests -= asks && lost_requests != 0;
        return;
    }
    case 0x2:
        EXPECT_EQ(data, first_key_seen_ ? 0xaaaa : 0x5555);
        first_key_seen_ = !first_key_seen_;
        if (!first_key_seen_ && (control_ & 0x4) != 0)
            count_from_here(time());
        return;
    case 0x8:
        EXPECT_EQ(data, 0u) << "the power-down counter can only be stopped";
        power_down_counts = false;
        return;
    default:
        ADD_FAILURE() << "register " << offset;
    }
}

void ImxModel::elapse()
{
    if ((control_ & 0x4) != 0 && is_due())
        reset((control_ & 0x8) != 0);
    if (power_down_counts && simulated_time >= 16_s)
        reset(true);
}

CadenceModel::CadenceModel(u32 start_value)
{
    if (start_value == 0)
        return;
    mode |= 1;
    control_ = start_value << 2 | 3;
    count_from_here(time());
}

u64 CadenceModel::time() const
{
    static constexpr u64 kPrescalers[] = {8, 64, 512, 4096};
    return ((control_ >> 2 << 12) + 0xfff) * kPrescalers[control_ & 3] / 100;
}

u32 CadenceModel::read(u32 offset, u32 bits)
{
    EXPECT_EQ(bits, 32u);
    EXPECT_EQ(offset, 0x0u);
    return mode; // the key reads as 0
}

void CadenceModel::write(u32 offset, u32 value, u32 bits)
{
    EXPECT_EQ(bits, 32u);
    switch (offset) {
    case 0x0:
        EXPECT_EQ(value >> 12, 0xabcu) << "the key of the mode register";
        EXPECT_EQ(value & 0xe08, 0u) << "reserved bits";
        mode = value & 0xfff;
        return;
    case 0x4:
        EXPECT_EQ(value >> 14, 0x248u) << "the key of the control register";
        EXPECT_EQ(mode & 1, 0u) << "the time must not be changed while it counts";
        control_ = value & 0x3fff;
        return;
    case 0x8:
        EXPECT_EQ(value, 0x1999u) << "the key of the restart register";
        count_from_here(time());
        return;
    default:
        ADD_FAILURE() << "register " << offset;
    }
}

void CadenceModel::elapse()
{
    const bool resets = (mode & 3) == 3 && (mode & 0x70) != 0; // enabled, with a pulse
    if (resets && is_due())
        reset_machine();
}

DesignWareModel::DesignWareModel(std::optional<u32> top, bool interrupts_first)
{
    control_ = interrupts_first ? 2 : 0;
    if (!top)
        return;
    control_ |= 1;
    timeout_ = *top << 4 | *top;
    count_from_here(time(*top));
}

u32 DesignWareModel::read(u32 offset, u32 bits)
{
    EXPECT_EQ(bits, 32u);
    EXPECT_EQ(offset, 0x0u);
    return control_;
}

void DesignWareModel::write(u32 offset, u32 value, u32 bits)
{
    EXPECT_EQ(bits, 32u);
    switch (offset) {
    case 0x0: {
        const bool was_enabled = (control_ & 1) != 0;
        EXPECT_TRUE(!was_enabled || (value & 1) != 0) << "it cannot be disabled";
        control_ = value;
        if (!was_enabled && (value & 1) != 0)
            count_from_here(time(timeout_ >> 4));
        return;
    }
    case 0x4:
        EXPECT_EQ(value & ~0xffu, 0u);
        timeout_ = value;
        return;
    case 0xc:
        EXPECT_EQ(value, 0x76u) << "the key of the restart register";
        has_interrupted_ = false;
        count_from_here(time(timeout_ & 0xf));
        return;
    default:
        ADD_FAILURE() << "register " << offset;
    }
}

void DesignWareModel::elapse()
{
    if ((control_ & 1) == 0 || !is_due())
        return;
    if ((control_ & 2) == 0 || has_interrupted_)
        return reset_machine();
    has_interrupted_ = true;
    count_from_here(time(timeout_ & 0xf));
}

void Board::pass(u64 microseconds)
{
    simulated_time += microseconds;
    for (const auto& [base, device] : devices_)
        device->elapse();
}

u64 Board::read(u64 address, u32 bits)
{
    return devices_.at(address & ~u64{0xfff})->read(static_cast<u32>(address & 0xfff), bits);
}

void Board::write(u64 address, u64 value, u32 bits)
{
    WatchdogModel& device = *devices_.at(address & ~u64{0xfff});
    ++device.writes;
    device.write(static_cast<u32>(address & 0xfff), static_cast<u32>(value), bits);
}

} // namespace percival
