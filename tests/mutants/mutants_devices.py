# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the drivers, and of the maintenance of caches."""

from __future__ import annotations

from mutant import on_host

DRIVERS_OF_GIC = (
    "tests/host/arch/simulation/gic_model.cpp",
    "tests/host/arch/simulation/gic_model_registers.cpp",
    "tests/host/arch/simulation/gic_model_system.cpp",
    "arch/arm64/devices/gic.cpp",
    "arch/arm64/devices/gic_v2.cpp",
    "arch/arm64/devices/gic_v3.cpp",
)
GIC = ("tests/host/arm64/gic_test.cpp", *DRIVERS_OF_GIC)
GIC_V2 = ("tests/host/arm64/gic_v2_test.cpp", *DRIVERS_OF_GIC)
GIC_V3 = ("tests/host/arm64/gic_v3_test.cpp", *DRIVERS_OF_GIC)
TIMER = (
    "tests/host/timer/timer_test.cpp",
    "arch/arm64/devices/timer.cpp",
    "arch/arm64/cpu/errata.cpp",
)
UART = ("tests/host/arm64/pl011_test.cpp", "arch/arm64/devices/pl011.cpp")
POWER = (
    "tests/host/arm64/power_test.cpp",
    "tests/host/arm64/psci_test.cpp",
    "tests/host/arm64/firmware.cpp",
    "arch/arm64/devices/power.cpp",
    "arch/arm64/devices/psci.cpp",
    "arch/arm64/cpu/cache.cpp",
)
CACHES = (
    "tests/host/caches/image.cpp",
    "arch/arm64/cpu/cache.cpp",
)
TEXT = (
    "tests/host/caches/text_writer_test.cpp",
    "tests/host/caches/written_window.cpp",
    "arch/arm64/percpu_modes/alternatives.cpp",
    *CACHES,
)
PARKING = (
    "tests/host/caches/parking_test.cpp",
    "arch/arm64/devices/parking.cpp",
    *CACHES,
)
BOOT_RECORDS = (
    "tests/host/caches/boot_record_test.cpp",
    "tests/host/support/assembly_source.cpp",
    "arch/arm64/boot/boot_record.cpp",
    *CACHES,
)
CACHE = "arch/arm64/include/arch/cpu/cache.hpp"
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
        "            if (RedistributorType::Last::of(type) != 0)\n                break;\n",
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
        "text: patched text stays in the data cache",
        CACHE,
        "    for_each_data_line(written, lines, clean_and_invalidate_line);\n",
        "",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: caches of instructions are filled before patched text is clean",
        CACHE,
        "    dsb<Shareability::InnerShareable>(); "
        "// instruction caches are filled with what was written\n",
        "",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: the old instruction stays in the caches",
        CACHE,
        "        invalidate_instruction_line(at.raw());\n",
        "        static_cast<void>(at);\n",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: nobody waits until the caches have lost the old instruction",
        CACHE,
        "    dsb<Shareability::InnerShareable>();\n    isb();\n",
        "    isb();\n",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: the CPU that patches executes what it fetched before",
        CACHE,
        "    isb();\n",
        "",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: the alias that was written is invalidated",
        "arch/arm64/percpu_modes/alternatives.cpp",
        "Bytes{sizeof(u32)}}, address_of(at));",
        "Bytes{sizeof(u32)}}, address_of(writable));",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "parking: a CPU that parks again finds its old entry",
        "arch/arm64/devices/parking.cpp",
        "    write_to_memory(own.entry, 0);\n",
        "",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: an entry stays in the cache",
        "arch/arm64/devices/parking.cpp",
        "    std::atomic_ref{word}.store(value, std::memory_order_relaxed);\n"
        "    clean_and_invalidate_to_memory({address_of(&word), Bytes{sizeof word}});\n",
        "    std::atomic_ref{word}.store(value, std::memory_order_relaxed);\n",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: a cached word says whether a CPU is parked",
        "arch/arm64/devices/parking.cpp",
        "    clean_and_invalidate_to_memory({address_of(&word), Bytes{sizeof word}});\n    return",
        "    return",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: a CPU that was released counts as parked",
        "arch/arm64/devices/parking.cpp",
        "    write_to_memory(mailbox.is_parked, 0);\n",
        "",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: no event wakes a parked CPU",
        "arch/arm64/devices/parking.cpp",
        "    send_event();\n",
        "",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "boot records: they stay in the cache",
        "arch/arm64/boot/boot_record.cpp",
        "    clean_and_invalidate_to_memory({address_of(records.data()), Bytes{records.size_bytes()}});\n",
        "",
        BOOT_RECORDS,
        "*EachCpuFindsItsOwnRecord*",
    ),
    on_host(
        "boot records: where they are stays in the cache",
        "arch/arm64/boot/boot_record.cpp",
        "    clean_and_invalidate_to_memory({address_of(&boot_records), Bytes{sizeof boot_records}});\n",
        "",
        BOOT_RECORDS,
        "*EachCpuFindsItsOwnRecord*",
    ),
    on_host(
        "boot records: nobody waits until they are in memory",
        CACHE,
        "    for_each_data_line(range, lines, clean_and_invalidate_line);\n"
        "    dsb<Shareability::FullSystem>();\n",
        "    for_each_data_line(range, lines, clean_and_invalidate_line);\n",
        BOOT_RECORDS,
        "*EachCpuFindsItsOwnRecord*",
    ),
)
