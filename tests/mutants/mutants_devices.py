# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the drivers."""

from __future__ import annotations

from mutant import on_host

GIC = (
    "tests/host/arm64/gic_test.cpp",
    "tests/host/arch/simulation/gic_model.cpp",
    "arch/arm64/devices/gic.cpp",
    "arch/arm64/devices/gic_v2.cpp",
    "arch/arm64/devices/gic_v3.cpp",
)
TIMER = (
    "tests/host/timer/timer_test.cpp",
    "arch/arm64/devices/timer.cpp",
    "arch/arm64/cpu/errata.cpp",
)
UART = ("tests/host/arm64/pl011_test.cpp", "arch/arm64/devices/pl011.cpp")
V2 = "arch/arm64/devices/gic_v2.cpp"
V3 = "arch/arm64/devices/gic_v3.cpp"

MUTANTS = (
    on_host(
        "gic: what was left pending stays pending",
        "arch/arm64/devices/gic.cpp",
        "        registers.write32(at.clear_pending + 4 * word, ~u32{0});\n",
        "",
        GIC,
        "*NothingThatWasLeftPendingActiveOrEnabledRemains*",
    ),
    on_host(
        "gic: what was left active stays active",
        "arch/arm64/devices/gic.cpp",
        "        registers.write32(at.clear_active + 4 * word, ~u32{0});\n",
        "",
        GIC,
        "*NothingThatWasLeftPendingActiveOrEnabledRemains*",
    ),
    on_host(
        "gic: SGIs of a GICv2 stay pending",
        "arch/arm64/devices/gic_v2.cpp",
        "            distributor_.write32(kClearPendingSgis + 4 * word, pending);\n",
        "            distributor_.write32(kClearPendingSgis + 4 * word, 0);\n",
        GIC,
        "*NothingThatWasLeftPendingActiveOrEnabledRemains*",
    ),
    on_host(
        "gic: the registers of Group 0 are accessed though EL3 keeps them",
        "arch/arm64/devices/gic_v3.cpp",
        "    if (owns_group_0(priority_bits)) {",
        "    if (owns_group_0(priority_bits) || true) {",
        GIC,
        "*ActivePrioritiesOfGroup0*",
    ),
    on_host(
        "gic: a device's interrupt ends before its handler has lowered the line",
        "arch/arm64/include/arch/devices/interrupt_controller.hpp",
        "            serve(interrupt.intid);\n            complete_interrupt(interrupt);",
        "            complete_interrupt(interrupt);\n            serve(interrupt.intid);",
        GIC,
        "*ALineThatFallsLateIsServedOncePerAlarm*",
    ),
    on_host(
        "gic: an SGI is active while its handler runs",
        "arch/arm64/include/arch/devices/interrupt_controller.hpp",
        "            complete_interrupt(interrupt);\n"
        "            serve_ipi(static_cast<Ipi>(interrupt.intid));",
        "            serve_ipi(static_cast<Ipi>(interrupt.intid));\n"
        "            complete_interrupt(interrupt);",
        GIC,
        "*AnSgiHasEndedWhenItsHandlerRuns*",
    ),
    on_host(
        "gic: System registers are used before their enable is synchronized",
        V3,
        "    isb(); // the enable takes effect before any other ICC register is accessed\n",
        "",
        GIC,
        "*EveryRegisterHas*",
    ),
    on_host(
        "gic: redistributors with virtual LPIs have two frames",
        V3,
        "!= 0 ? 4 : 2;",
        "!= 0 ? 2 : 2;",
        GIC,
        "*ARedistributorIsFound*",
    ),
    on_host(
        "gic: an SGI of a GICv3 overtakes the sender's stores",
        V3,
        "    dsb<Shareability::InnerShareable, Access::Store>();\n",
        "",
        GIC,
        "*ARedistributorIsFound*",
    ),
    on_host(
        "gic: an SGI of a GICv2 overtakes the sender's stores",
        V2,
        "    dsb<Shareability::InnerShareable, Access::Store>();\n",
        "",
        GIC,
        "*EachCpuHasATarget*",
    ),
    on_host(
        "gic: an end does not name the sender of an SGI",
        V2,
        "cpu_interface_.write32(kEndOfInterrupt, interrupt.raw)",
        "cpu_interface_.write32(kEndOfInterrupt, interrupt.intid)",
        GIC,
        "*AnEndNamesTheSender*",
    ),
    on_host(
        "gic: private interrupts change while the redistributor sleeps",
        V3,
        "Waker::ChildrenAsleep::of(redistributor->read32(kWaker)) == 0;",
        "Waker::ChildrenAsleep::of(redistributor->read32(kWaker)) <= 1;",
        GIC,
        "*EveryRegisterHas*",
    ),
    on_host(
        "gic: nobody waits for a disable",
        V3,
        "    static_cast<void>(redistributor_settled(redistributor));\n",
        "",
        GIC,
        "*ADisabledInterrupt*",
    ),
    on_host(
        "gic: the search goes on behind the last redistributor",
        V3,
        "            if (RedistributorType::Last::of(type) != 0)\n                break;\n",
        "",
        GIC,
        "*NothingIsReadBehind*",
    ),
    on_host(
        "gic: the end of an interrupt is not synchronized",
        V3,
        "    isb(); // drops the priority before interrupts are unmasked\n",
        "",
        GIC,
        "*AnSgiHasEnded*",
    ),
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
        "uart: a byte is written into a full FIFO",
        "arch/arm64/devices/pl011.cpp",
        "    if (ready)\n",
        "    if (ready || !ready)\n",
        UART,
        "*stays_full*",
    ),
    on_host(
        "uart: a device that is stuck is waited for each time",
        "arch/arm64/devices/pl011.cpp",
        "    stuck_ = !ready;\n",
        "",
        UART,
        "*stays_full*",
    ),
)
