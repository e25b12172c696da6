// SPDX-License-Identifier: BSD-2-Clause
// The machine's own watchdogs. The firmware may have left one armed, which would reset the machine in the
// middle of a run; and a machine without PSCI is reset by one.
//
// INV-hardware_watchdogs-1: a watchdog is kicked only while the run is well (kernel/report/watchdog.cpp).
//                           When the kernel hangs, and when the run ends, nothing keeps the watchdog from
//                           resetting the machine.
#pragma once

#include "arch/devices/watchdog.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/types.hpp"

#include <atomic>

namespace percival {

class HardwareWatchdogs : Immovable {
public:
    constexpr HardwareWatchdogs() = default;

    // Keeps `watchdog` for reset(). Stops it if the firmware has left it armed. If it cannot be stopped, it
    // is kicked, at once and from then on by kick(). Boot CPU, at most kMaxWatchdogs times, before there are
    // other CPUs.
    void take_over(const arch::Watchdog& watchdog);

    // Prints what has become of each watchdog that the firmware left armed.
    void print() const;

    // Kicks the watchdogs that could not be stopped, unless a CPU has done that within the last second, less
    // a tick. `now` is in ticks of the timer. Interrupts masked.
    void kick(u64 now);

    // Lets one watchdog after the other reset the machine, and waits some seconds for each. Returns if none
    // does. The CPU that ends the run.
    void reset() const;

private:
    enum class Found : u8 { Off, Stopped, Kicked };
    struct Kept {
        arch::Watchdog watchdog;
        Found found{Found::Off};
    };

    BoundedVector<Kept, kMaxWatchdogs> kept_{};
    std::atomic<u64> next_kick_{0}; // in ticks of the timer; the CPU that changes it kicks
};

// Returns those of this machine. Any context.
HardwareWatchdogs& hardware_watchdogs();

} // namespace percival
