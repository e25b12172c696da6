# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the drivers of interrupt controllers."""

from __future__ import annotations

from mutant import on_host

DRIVERS_OF_GIC = (
    "tests/host/arch/simulation/gic_model.cpp",
    "tests/host/arch/simulation/gic_model_registers.cpp",
    "tests/host/arch/simulation/gic_model_system.cpp",
    "arch/arm64/devices/gic.cpp",
    "arch/arm64/devices/gic_v2.cpp",
    "arch/arm64/devices/gic_v3.cpp",
    "arch/arm64/devices/bcm2836.cpp",
    "arch/arm64/devices/interrupt_controller.cpp",
)
GIC = ("tests/host/arm64/gic_test.cpp", *DRIVERS_OF_GIC)
GIC_V2 = ("tests/host/arm64/gic_v2_test.cpp", *DRIVERS_OF_GIC)
GIC_V3 = ("tests/host/arm64/gic_v3_test.cpp", *DRIVERS_OF_GIC)
BCM2836 = (
    "tests/host/arm64/bcm2836_test.cpp",
    "tests/host/arch/simulation/bcm2836_model.cpp",
    *DRIVERS_OF_GIC,
)
V2 = "arch/arm64/devices/gic_v2.cpp"
V3 = "arch/arm64/devices/gic_v3.cpp"
LOCAL = "arch/arm64/devices/bcm2836.cpp"

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
        GIC_V3,
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
        GIC_V3,
        "*ARedistributorIsFound*",
    ),
    on_host(
        "gic: an SGI of a GICv3 overtakes the sender's stores",
        V3,
        "    dsb<Shareability::InnerShareable, Access::Store>();\n",
        "",
        GIC_V3,
        "*ARedistributorIsFound*",
    ),
    on_host(
        "gic: an SGI of a GICv2 overtakes the sender's stores",
        V2,
        "    dsb<Shareability::InnerShareable, Access::Store>();\n",
        "",
        GIC_V2,
        "*EachCpuHasATarget*",
    ),
    on_host(
        "gic: an end does not name the sender of an SGI",
        V2,
        "cpu_interface_.write32(kEndOfInterrupt, interrupt.raw)",
        "cpu_interface_.write32(kEndOfInterrupt, interrupt.intid)",
        GIC_V2,
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
        "        if (RedistributorType::Last::of(type) != 0)\n            break;\n",
        "",
        GIC_V3,
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
        "bcm2836: IPIs that were left in a mailbox are obeyed",
        LOCAL,
        "    for (u32 mailbox = 0; mailbox < kMailboxes; ++mailbox)\n"
        "        local_.write32(mailbox_of(kMailboxClear, core, mailbox), ~u32{0});\n",
        "",
        BCM2836,
        "*NothingThatWasLeft*",
    ),
    on_host(
        "bcm2836: timers' interrupts that were left enabled stay enabled",
        LOCAL,
        "    local_.write32(word_of(kTimerControl, core), 0);\n"
        "    local_.write32(word_of(kMailboxControl, core), 0);\n",
        "",
        BCM2836,
        "*NothingThatWasLeft*",
    ),
    on_host(
        "bcm2836: peripheral interrupts that were left enabled stay enabled",
        LOCAL,
        "            registers.peripherals.write32(disable, ~u32{0});\n",
        "            static_cast<void>(disable);\n",
        BCM2836,
        "*EachPeripheralInterrupt*",
    ),
    on_host(
        "bcm2836: a handler runs before its IPI's bit is cleared",
        LOCAL,
        "    static_cast<void>(local_.read32(word_of(kSource, own_core())));\n"
        "    dsb<Shareability::FullSystem>();\n",
        "",
        BCM2836,
        "*EveryIpiArrives*",
    ),
    on_host(
        "bcm2836: all IPIs are cleared where one is taken",
        LOCAL,
        "    write_and_settle(mailbox, first | (set & ~kIpiBits));",
        "    write_and_settle(mailbox, set);",
        BCM2836,
        "*IpisThatArriveTogether*",
    ),
    on_host(
        "bcm2836: bits that are no IPI interrupt for ever",
        LOCAL,
        "    write_and_settle(mailbox, first | (set & ~kIpiBits));",
        "    write_and_settle(mailbox, first);",
        BCM2836,
        "*BitsThatAreNoIpi*",
    ),
    on_host(
        "bcm2836: an IPI overtakes the sender's stores",
        LOCAL,
        "    dsb<Shareability::InnerShareable, Access::Store>();\n",
        "",
        BCM2836,
        "*EveryIpiArrives*",
    ),
    on_host(
        "bcm2836: CPUs are numbered by the tree",
        LOCAL,
        "    core_of_cpu[self.index()] = core;",
        "    core_of_cpu[self.index()] = self.index() % kCores;",
        BCM2836,
        "*CpusAreFoundByAff0*",
    ),
    on_host(
        "bcm2836: a fifth core is set up",
        LOCAL,
        "    if (core >= kCores)\n",
        "    if (core > kCores)\n",
        BCM2836,
        "*ACpuBeyondTheFour*",
    ),
    on_host(
        "bcm2836: a CPU that leaves still takes IPIs",
        LOCAL,
        "    write_and_settle(word_of(kMailboxControl, own_core()), 0);\n",
        "",
        BCM2836,
        "*ACpuThatLeaves*",
    ),
    on_host(
        "gic: a parked CPU is woken by its number in place of its bit",
        V2,
        "SgiToList::in(0, u32{1} << cpu_interface)",
        "SgiToList::in(0, cpu_interface)",
        GIC_V2,
        "*ACpuThatIsParkedIsWoken*",
    ),
)
