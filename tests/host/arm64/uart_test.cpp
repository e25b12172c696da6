// SPDX-License-Identifier: BSD-2-Clause
// Tests the driver of the PL011 on a model with a FIFO that drains slowly or not at all.
#include "arch/cpu/poll.hpp"
#include "arch/devices/pl011.hpp"
#include "arch/simulation/register_model.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace percival::arch {
namespace {

constexpr u64 kUart = 0x0900'0000;
constexpr u64 kData = kUart, kFlags = kUart + 0x18, kControl = kUart + 0x30;
constexpr u64 kBusy = 1 << 3, kTransmitFull = 1 << 5;
constexpr u64 kUartEnable = 1 << 0, kTransmitEnable = 1 << 8;
constexpr u64 kOtherFlags = 0x197 & ~(kBusy | kTransmitFull);

// Sends one character of its FIFO in every third poll, unless flow control holds it.
class UartModel final : public RegisterModel {
public:
    static constexpr u64 kDepth = 4;

    u64 control{kUartEnable | kTransmitEnable};
    bool is_held{false};
    std::string sent;
    u64 polls{0};
    u64 control_writes{0};

    void send_one()
    {
        if (fifo_.empty() || is_held)
            return;
        sent += fifo_.front();
        fifo_.erase(0, 1);
    }

    u64 read(u64 address, u32 bits) override
    {
        EXPECT_EQ(bits, 32u);
        if (address == kControl)
            return control;
        EXPECT_EQ(address, kFlags);
        if (++polls % 3 == 0)
            send_one();
        return kOtherFlags | (fifo_.empty() ? 0 : kBusy) | (fifo_.size() == kDepth ? kTransmitFull : 0);
    }
    void write(u64 address, u64 value, u32 bits) override
    {
        EXPECT_EQ(bits, 32u);
        if (address == kControl) {
            control = value;
            ++control_writes;
            return;
        }
        EXPECT_EQ(address, kData);
        EXPECT_LT(fifo_.size(), kDepth) << "a write while the FIFO is full is lost";
        EXPECT_LT(value, 0x100u);
        EXPECT_EQ(control & kUartEnable, kUartEnable);
        EXPECT_EQ(control & kTransmitEnable, kTransmitEnable);
        fifo_ += static_cast<char>(value);
    }
    u64 read_system(std::string_view) override { return 0; }
    void write_system(std::string_view, u64) override {}

private:
    std::string fifo_;
};

class Pl011Test : public testing::Test {
protected:
    void put(std::string_view text)
    {
        for (const char c : text)
            uart.put(c);
    }
    UartModel model;
    Pl011 uart;
};

TEST_F(Pl011Test, sends_every_byte_in_order_and_never_into_a_full_fifo)
{
    uart.init(Mmio{VirtAddr{kUart}});
    put("Percival\nboots on \xe4\n");
    uart.drain();
    EXPECT_EQ(model.sent, "Percival\r\nboots on \xe4\r\n");
}

TEST_F(Pl011Test, drain_returns_when_everything_is_sent)
{
    uart.init(Mmio{VirtAddr{kUart}});
    put("abc");
    EXPECT_NE(model.sent, "abc");
    uart.drain();
    EXPECT_EQ(model.sent, "abc");
    const u64 before = model.polls;
    uart.drain();
    EXPECT_EQ(model.polls, before + 1);
}

TEST_F(Pl011Test, an_enabled_uart_is_not_written)
{
    model.control |= 0x200;
    uart.init(Mmio{VirtAddr{kUart}});
    EXPECT_EQ(model.control_writes, 0u);
}

TEST_F(Pl011Test, what_the_transmitter_lacks_is_enabled_and_the_rest_stays)
{
    for (const u64 firmware : {u64{0}, kUartEnable, kTransmitEnable}) {
        constexpr u64 kOthers = 0xc200; // RXE and the enables of flow control
        model.control = firmware | kOthers;
        uart.init(Mmio{VirtAddr{kUart}});
        EXPECT_EQ(model.control, kUartEnable | kTransmitEnable | kOthers);
        put("x");
    }
}

TEST_F(Pl011Test, a_device_that_stays_full_is_waited_for_once)
{
    uart.init(Mmio{VirtAddr{kUart}});
    model.is_held = true;
    put("0123");
    const u64 before = model.polls;
    uart.put('4');
    EXPECT_EQ(model.polls - before, kPollLimit);
    put("56");
    EXPECT_EQ(model.polls - before, kPollLimit + 2);
    uart.drain();
    EXPECT_EQ(model.polls - before, 2 * kPollLimit + 2);
    // Once it sends again, nothing more is lost, and it is waited for again.
    model.is_held = false;
    model.send_one();
    put("789ab");
    uart.drain();
    EXPECT_EQ(model.sent, "0123789ab");
}

} // namespace
} // namespace percival::arch
