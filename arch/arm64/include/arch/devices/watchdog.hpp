// SPDX-License-Identifier: BSD-2-Clause
// A watchdog of the machine: a counter that resets the machine unless it is kicked in time. Any context, with
// the MMU on or off; the caller sees to it that only one CPU uses a watchdog at a time.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/device_tree/machine.hpp"

namespace percival::arch {

class Watchdog {
public:
    constexpr Watchdog() = default;
    // `registers` are those of the description, as they can be accessed now.
    constexpr Watchdog(const WatchdogDescription& description, Mmio registers)
        : description_{description}, registers_{registers}
    {
    }

    PhysAddr address() const { return description_.registers.base; }
    // Returns whether it counts and would reset the machine.
    bool is_armed() const;
    // Stops it. Returns false if it is still armed: some can be stopped only by a reset.
    [[nodiscard]] bool stop() const;
    // Makes it count from the start again. Only for one that is armed.
    void kick() const;
    // Makes it reset the machine as soon as it can. Returns before it does.
    void start_reset() const;

private:
    template <class Visit>
    decltype(auto) with_driver(Visit visit) const;

    WatchdogDescription description_{};
    Mmio registers_{};
};

} // namespace percival::arch
