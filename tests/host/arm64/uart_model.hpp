// SPDX-License-Identifier: BSD-2-Clause
// A strict model of the UARTs that the kernel drives, one kind at a time. It states a kind's registers anew,
// from its manual, and fails the test on an access of any other register, of another width or alignment, and
// on a byte that is written while the device cannot take it.
#pragma once

#include "arch/simulation/register_model.hpp"
#include "kernel/uart/uart_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace percival::arch {

// What a kind asks of software besides a look at its status.
enum class UartProtocol : u8 {
    Plain,
    Command,   // a length and a command before each byte
    Announced, // a command and a count before each byte
    Flags,     // status flags that stay until they are cleared
};

// Offsets are as the CPU sees them, after any shift.
struct ModelledUart {
    const char* name;
    std::string_view compatible;        // leads to the row of the table
    std::optional<UartLayout> layout{}; // where a tree says another than the name does
    bool is_big_endian{false};
    u64 transmit{0};
    u32 transmit_bits{32};
    u64 status{0};
    u32 status_bits{32};
    u32 when_full{0};   // bits of the status while no byte can be taken
    u32 when_free{0};   // and while one can
    u64 idle_status{0}; // the register of the next two
    u32 when_busy{0};   // bits while a byte is on its way
    u32 when_idle{0};
    u32 other_bits{0}; // bits that are always set in both registers
    bool is_free_when_idle_only{false};
    std::size_t depth{4};
    struct Setting {
        u64 offset;
        u32 bits;  // width
        u32 wrong; // a value with which nothing is sent
        u32 right; // what it has to become
    };
    std::vector<Setting> settings{};
    UartProtocol protocol{UartProtocol::Plain};
};

inline void PrintTo(const ModelledUart& uart, std::ostream* out)
{
    *out << uart.name;
}

// Sends one byte in every third poll, unless flow control holds it.
class UartModel final : public RegisterModel {
public:
    // Not at the beginning of a page.
    static constexpr u64 kBase = 0x3f21'5040;

    explicit UartModel(const ModelledUart& uart) : uart_{uart}
    {
        for (const auto& setting : uart_.settings)
            settings[setting.offset] = setting.right;
    }

    std::map<u64, u32> settings; // by offset
    u64 setting_writes{0};
    bool is_held{false};
    std::string sent;
    u64 polls{0};

    void send_one()
    {
        if (is_held)
            return;
        if (shifting_) {
            sent += *shifting_;
            shifting_.reset();
            is_commanded_ = false;
        }
        load_shifter();
    }

    u64 read(u64 address, u32 bits) override
    {
        const u64 offset = checked(address, bits);
        if (const auto setting = settings.find(offset); setting != settings.end())
            return in_order(setting->second, bits);
        EXPECT_TRUE(offset == uart_.status || offset == uart_.idle_status) << std::hex << offset;
        EXPECT_EQ(bits, uart_.status_bits);
        if (!is_reading_back_ && ++polls % 3 == 0)
            send_one();
        is_reading_back_ = false;
        return in_order(status(offset), bits);
    }

    void write(u64 address, u64 raw, u32 bits) override
    {
        const u64 offset = checked(address, bits);
        const u32 value = in_order(static_cast<u32>(raw), bits);
        if (const auto setting = settings.find(offset); setting != settings.end()) {
            setting->second = value;
            ++setting_writes;
        } else if (offset == uart_.transmit && bits == uart_.transmit_bits)
            take(value);
        else
            obey(offset, value, bits);
    }

    u64 read_system(std::string_view) override { return 0; }
    void write_system(std::string_view, u64) override {}

private:
    u64 checked(u64 address, u32 bits) const
    {
        EXPECT_EQ(address % (bits / 8), 0U) << "misaligned";
        EXPECT_GE(address, kBase);
        return address - kBase;
    }

    u32 in_order(u32 value, u32 bits) const
    {
        if (!uart_.is_big_endian || bits == 8)
            return value;
        return bits == 16 ? __builtin_bswap16(static_cast<u16>(value)) : __builtin_bswap32(value);
    }

    bool is_idle() const { return fifo_.empty() && !shifting_ && !is_commanded_; }
    bool has_room() const { return uart_.is_free_when_idle_only ? is_idle() : fifo_.size() < uart_.depth; }

    void load_shifter()
    {
        if (fifo_.empty())
            return;
        shifting_ = fifo_.front();
        fifo_.erase(0, 1);
    }

    u32 status(u64 offset)
    {
        u32 value = uart_.other_bits;
        if (offset == uart_.status)
            value |= has_room() ? uart_.when_free : uart_.when_full;
        if (offset == uart_.idle_status)
            value |= is_idle() ? uart_.when_idle : uart_.when_busy;
        if (uart_.protocol == UartProtocol::Flags)
            value = flags_ |= value;
        return value;
    }

    void take(u32 value)
    {
        EXPECT_LT(value, 0x100U);
        for (const auto& setting : uart_.settings)
            EXPECT_EQ(settings[setting.offset] & (setting.wrong ^ setting.right),
                      setting.right & (setting.wrong ^ setting.right))
                << "the transmitter is off";
        if (uart_.protocol == UartProtocol::Command || uart_.protocol == UartProtocol::Announced) {
            EXPECT_TRUE(is_commanded_ && fifo_.empty() && !shifting_) << "a byte without a command";
        } else {
            EXPECT_TRUE(has_room()) << "the byte is lost";
        }
        fifo_ += static_cast<char>(value);
        if (!shifting_)
            load_shifter();
        is_reading_back_ = uart_.protocol == UartProtocol::Flags;
    }

    // Takes a write of a register that belongs to the protocol.
    void obey(u64 offset, u32 value, u32 bits)
    {
        switch (uart_.protocol) {
        case UartProtocol::Command: // SE_UART_TX_TRANS_LEN, then UART_START_TX in SE_GENI_M_CMD0
            EXPECT_EQ(bits, 32U);
            EXPECT_TRUE(is_idle()) << "a command while one is active";
            if (offset == 0x270)
                is_announced_ = value == 1;
            else if (offset == 0x600 && value == 0x0800'0000 && is_announced_)
                is_commanded_ = true;
            else
                ADD_FAILURE() << "register " << std::hex << offset;
            return;
        case UartProtocol::Announced: // "reset TX ready" in CR, then NCF_TX
            EXPECT_EQ(bits, 32U);
            EXPECT_TRUE(is_idle()) << "a count while bytes are on their way";
            if (offset == 0x10)
                is_announced_ = value == 0x300;
            else if (offset == 0x40 && value == 1 && is_announced_)
                is_commanded_ = true;
            else
                ADD_FAILURE() << "register " << std::hex << offset;
            return;
        case UartProtocol::Flags: {
            ASSERT_EQ(offset, uart_.status);
            EXPECT_EQ(bits, uart_.status_bits);
            const u32 own = uart_.when_free | uart_.when_idle;
            EXPECT_EQ(value & uart_.other_bits, uart_.other_bits) << "the receiver's flags are cleared";
            flags_ &= value | ~own;
            return;
        }
        case UartProtocol::Plain:
            ADD_FAILURE() << "register " << std::hex << offset << ", " << std::dec << bits << " bits";
        }
    }

    const ModelledUart& uart_;
    std::string fifo_;
    std::optional<char> shifting_;
    u32 flags_{0};
    bool is_announced_{false};
    bool is_commanded_{false};
    bool is_reading_back_{false}; // the next read of the status is no poll
};

} // namespace percival::arch
