// SPDX-License-Identifier: BSD-2-Clause
// Strict models of watchdogs, which count simulated time and reset the machine: each demands the widths, keys
// and orders of accesses that its manual demands.
#pragma once

#include "arch/simulation/register_model.hpp"
#include "kernel/lib/types.hpp"

#include <map>
#include <optional>
#include <string_view>

namespace percival {

// Simulated time in microseconds. It only grows.
inline u64 simulated_time = 0;

constexpr u64 operator""_s(unsigned long long seconds)
{
    return seconds * 1'000'000;
}

class WatchdogModel {
public:
    virtual ~WatchdogModel() = default;

    virtual u32 read(u32 offset, u32 bits) = 0;
    virtual void write(u32 offset, u32 value, u32 bits) = 0;
    // Called whenever time has passed.
    virtual void elapse() = 0;

    std::optional<u64> reset_at{}; // when it has reset the machine
    u32 writes{0};

protected:
    void reset_machine()
    {
        if (!reset_at)
            reset_at = simulated_time;
    }
    bool is_due() const { return simulated_time >= expires_at_; }
    void count_from_here(u64 microseconds) { expires_at_ = simulated_time + microseconds; }

private:
    u64 expires_at_{0};
};

// The power management block of a BCM2835.
class Bcm2835Model final : public WatchdogModel {
public:
    // The firmware arms it with this many 1/65536 s; 0: not at all.
    explicit Bcm2835Model(u32 ticks);

    u32 read(u32 offset, u32 bits) override;
    void write(u32 offset, u32 value, u32 bits) override;
    void elapse() override;

    u32 reset_control{0x0000'0102};
    bool is_stuck{false}; // it cannot be stopped
};

// The watchdog of an i.MX.
class ImxModel final : public WatchdogModel {
public:
    // The firmware arms it with this many units of half a second; 0: not at all.
    explicit ImxModel(u32 halves, bool is_big_endian = false);

    u32 read(u32 offset, u32 bits) override;
    void write(u32 offset, u32 value, u32 bits) override;
    void elapse() override;

    bool power_down_counts{false}; // the counter that the power-on starts
    u32 lost_requests{0};          // how many requests in a row are lost (ERR004346)
    // Only the pin resets the board, and reset_at is when it does.
    bool only_pin_counts{false};

private:
    void reset(bool by_pin);
    u16 swapped(u32 value) const;
    u64 time() const { return ((control_ >> 8) + 1u) * 500'000; }

    bool is_big_endian_;
    u16 control_{0x0030};
    bool first_key_seen_{false};
};

// The Cadence watchdog, on a clock of 100 MHz.
class CadenceModel final : public WatchdogModel {
public:
    // The firmware arms it with that many times 4096 * 4096 cycles; 0: not at all.
    explicit CadenceModel(u32 start_value);

    u32 read(u32 offset, u32 bits) override;
    void write(u32 offset, u32 value, u32 bits) override;
    void elapse() override;

    u32 mode{0x1c2};

private:
    u64 time() const;

    u32 control_{0x3ffc};
};

// The DesignWare watchdog, on a clock of 32 kHz, the slowest one there is.
class DesignWareModel final : public WatchdogModel {
public:
    // The firmware arms it with 2^(16 + `top`) cycles; nothing: not at all.
    explicit DesignWareModel(std::optional<u32> top, bool interrupts_first = false);

    u32 read(u32 offset, u32 bits) override;
    void write(u32 offset, u32 value, u32 bits) override;
    void elapse() override;

private:
    static u64 time(u32 top) { return (u64{1} << (16 + top)) * 1'000'000 / 32'000; }

    u32 control_{0};
    u32 timeout_{0xff};
    bool has_interrupted_{false};
};

// The machine: leads each access to its device.
class Board final : public arch::RegisterModel {
public:
    void add(u64 base, WatchdogModel& device) { devices_[base] = &device; }
    void pass(u64 microseconds);

    u64 read(u64 address, u32 bits) override;
    void write(u64 address, u64 value, u32 bits) override;
    u64 read_system(std::string_view) override { return 0; }
    void write_system(std::string_view, u64) override {}

private:
    std::map<u64, WatchdogModel*> devices_{}; // by the address of their page
};

} // namespace percival
