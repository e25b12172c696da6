// SPDX-License-Identifier: BSD-2-Clause
// A board with watchdogs, a simulated timer, and what the kernel prints.
#pragma once

#include "arch/devices/watchdog.hpp"
#include "watchdogs/watchdog_models.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival {

inline constexpr u64 kTickOfBusyCpu = 1_s / 50;
inline constexpr u64 kTickOfIdleCpu = 1_s;

// What the kernel has printed. Only grows, as the kernel's own count of lines does.
inline std::vector<std::string> printed;

class WatchdogBed : public testing::Test {
protected:
    static constexpr u64 kBase = 0xfe10'0000;

    WatchdogBed();
    ~WatchdogBed() override;

    // Puts the model on the board at kBase + `page` * 4 KiB, and returns the watchdog of that kind.
    arch::Watchdog attach(WatchdogModel& model, WatchdogDescription description, u32 page = 0)
    {
        const u64 base = kBase + page * 0x1000;
        board.add(base, model);
        description.registers = {PhysAddr{base}, Bytes{0x1000}};
        return arch::Watchdog{description, arch::Mmio{VirtAddr{base}}};
    }

    Board board;
};

} // namespace percival
