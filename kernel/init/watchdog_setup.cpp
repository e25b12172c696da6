// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/watchdog_setup.hpp"

#include "arch/debug/fault_recovery.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/report/hardware_watchdogs.hpp"
#include "mm/vmalloc/vmap.hpp"

namespace percival {

void take_over_watchdogs(const MachineDescription& machine)
{
    for (const WatchdogDescription& description : machine.watchdogs) {
        const auto registers = mm::ioremap(description.registers);
        if (!registers) {
            print("watchdog: {} cannot be mapped; left alone", description.registers.base);
            continue;
        }
        arch::Watchdog watchdog{description, arch::Mmio{*registers}};
        const auto fault = arch::catch_fault(
            [](void* argument) { hardware_watchdogs().take_over(*static_cast<arch::Watchdog*>(argument)); },
            &watchdog);
        if (fault)
            print("watchdog: {} does not answer; left alone", description.registers.base);
    }
}

} // namespace percival
