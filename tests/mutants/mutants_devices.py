# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the drivers of timer, UARTs, power and watchdogs."""

from __future__ import annotations

from mutant import on_host

TIMER = (
    "tests/host/timer/timer_test.cpp",
    "arch/arm64/devices/timer.cpp",
    "arch/arm64/cpu/errata.cpp",
)
UART = (
    "tests/host/arm64/uart_test.cpp",
    "arch/arm64/devices/uart.cpp",
    "kernel/uart/uart_table.cpp",
)
POWER = (
    "tests/host/arm64/power_test.cpp",
    "tests/host/arm64/psci_test.cpp",
    "tests/host/arm64/firmware.cpp",
    "arch/arm64/devices/power.cpp",
    "arch/arm64/devices/psci.cpp",
    "arch/arm64/cpu/cache.cpp",
)
WATCHDOGS = (
    "tests/host/watchdogs/hardware_watchdogs_test.cpp",
    "tests/host/watchdogs/progress_test.cpp",
    "tests/host/watchdogs/watchdog_bed.cpp",
    "tests/host/watchdogs/watchdog_models.cpp",
    "arch/arm64/devices/watchdog.cpp",
    "kernel/lib/format.cpp",
    "kernel/lib/ktap.cpp",
    "kernel/report/hardware_watchdogs.cpp",
    "kernel/report/watchdog.cpp",
)

MUTANTS = (
    on_host(
        "timer: the tree's frequency does not count",
        "arch/arm64/devices/timer.cpp",
        "timer.frequency_override != 0",
        "timer.frequency_override == 1",
        TIMER,
        "*the_trees_frequency*",
    ),
    on_host(
        "timer: the count is read early",
        "arch/arm64/devices/timer.cpp",
        "    isb();\n    return VirtualCount::read().raw;",
        "    return VirtualCount::read().raw;",
        TIMER,
        "*an_alarm_rings*",
    ),
    on_host(
        "timer: the old time may ring",
        "arch/arm64/devices/timer.cpp",
        "    isb();\n    AlarmControl{}.with<AlarmControl::Enable>(1).write();",
        "    AlarmControl{}.with<AlarmControl::Enable>(1).write();",
        TIMER,
        "*an_alarm_rings*",
    ),
    on_host(
        "timer: the line of a muted alarm falls late",
        "arch/arm64/devices/timer.cpp",
        "    isb(); // lowers the interrupt line before the CPU sleeps\n",
        "",
        TIMER,
        "*a_muted_alarm*",
    ),
    on_host(
        "uart: a byte is written while the device is busy",
        "arch/arm64/devices/uart.cpp",
        "        return;\n    }\n    for (const UartCommand",
        "    }\n    for (const UartCommand",
        UART,
        "*never_ready*",
    ),
    on_host(
        "uart: a device that is stuck is waited for each time",
        "arch/arm64/devices/uart.cpp",
        "    stuck_ = !ready;\n",
        "",
        UART,
        "*never_ready*",
    ),
    on_host(
        "uart: the flags of a SCIF are not cleared",
        "arch/arm64/devices/uart.cpp",
        "    if (facts_->flags_to_clear != 0)\n",
        "    if (facts_->flags_to_clear == 1)\n",
        UART,
        "*sends_every_byte*",
    ),
    on_host(
        "uart: the bytes of a big-endian register are not swapped",
        "arch/arm64/devices/uart.cpp",
        "return layout_.is_big_endian ? __builtin_bswap32(value) : value;",
        "return value;",
        UART,
        "*sends_every_byte*",
    ),
    on_host(
        "power: no event wakes a CPU in a spin table",
        "arch/arm64/devices/power.cpp",
        "    send_event();\n",
        "",
        POWER,
        "*a_spin_table*",
    ),
    on_host(
        "power: the event overtakes the store to a spin table",
        "arch/arm64/devices/power.cpp",
        "    dsb<Shareability::FullSystem>(); // completes the store before the event that wakes the CPU\n",
        "",
        POWER,
        "*a_spin_table*",
    ),
    on_host(
        "power: the number in a mailbox overtakes the jump address",
        "arch/arm64/devices/power.cpp",
        "    dsb<Shareability::FullSystem>(); // whoever reads its number finds the jump address\n",
        "",
        POWER,
        "*a_mailbox_gets_the_jump_address*",
    ),
    on_host(
        "psci: a CPU that is on counts as off",
        "arch/arm64/devices/psci.cpp",
        "mpidr, 0) == kOff",
        "mpidr, 0) <= kOff",
        POWER,
        "*a_cpu_is_off_only*",
    ),
    on_host(
        "psci: CPU_ON passes no entry",
        "arch/arm64/devices/psci.cpp",
        "status(function, mpidr, entry.raw(), context)",
        "status(function, mpidr, 0, context)",
        POWER,
        "*cpu_on_passes*",
    ),
    on_host(
        "psci: SYSTEM_RESET2 is called though the firmware lacks it",
        "arch/arm64/devices/psci.cpp",
        "    if (status(kPsciFeatures, kSystemReset2) >= 0)\n",
        "",
        POWER,
        "*a_reset_is_asked_for*",
    ),
    on_host(
        "watchdog: an i.MX gets one key of two",
        "arch/arm64/devices/imx_watchdog.hpp",
        "        write(kService, 0xaaaa);\n",
        "",
        WATCHDOGS,
        "*an_armed_imx*",
    ),
    on_host(
        "watchdog: a DesignWare keeps its long time in a reset",
        "arch/arm64/devices/designware_watchdog.hpp",
        "        kick(); // takes over the time\n",
        "",
        WATCHDOGS,
        "*a_reset_works*",
    ),
    on_host(
        "watchdog: a run that ends is kicked on",
        "kernel/report/watchdog.cpp",
        "    if (run_is_ending())\n        return false;\n",
        "",
        WATCHDOGS,
        "*is_not_kicked*",
    ),
    on_host(
        "watchdog: a silent run is kicked for ever",
        "kernel/report/watchdog.cpp",
        "return now < quiet_until.load(std::memory_order_relaxed);",
        "return true;",
        WATCHDOGS,
        "*only_while_lines_are_printed*",
    ),
)
