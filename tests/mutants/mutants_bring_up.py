# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of how CPUs come up, come back and are given up, and of how the mode of the this_cpu operations is
chosen and changed. On QEMU every CPU comes up at once, and all are alike.
"""

from __future__ import annotations

from mutant import on_kernel_machine

MUTANTS = (
    on_kernel_machine(
        "bring-up: the time limit does not grow with the machine",
        "kernel/hotplug/bring_up.cpp",
        "patient_seconds(kBringUpSeconds, possible_cpu_count())",
        "patient_seconds(kBringUpSeconds, 1)",
        "bring_up",
        "MachineBringUp.*",
    ),
    on_kernel_machine(
        "bring-up: a CPU that has arrived is not waited for",
        "kernel/hotplug/bring_up.cpp",
        " and executes sites that are patched afterwards.\n"
        "    while (any_cpu_is_coming())\n        arch::relax();\n",
        " and executes sites that are patched afterwards.\n",
        "bring_up",
        "MachineBringUp.*",
    ),
    on_kernel_machine(
        "bring-up: an error of the firmware counts although the CPU has arrived",
        "kernel/hotplug/bring_up.cpp",
        "    if (!started && leave_out(cpu))\n",
        "    if (!started)\n",
        "bring_up",
        "MachineBringUp.AnErrorOfTheFirmware*",
    ),
    on_kernel_machine(
        "bring-up: a CPU that was left out goes on when it arrives",
        "kernel/hotplug/bring_up.cpp",
        "    if (!arrive(self)) // INV-stop_machine-1: this comes before any this_cpu site\n"
        "        arch::turn_off_this_cpu();\n",
        "    static_cast<void>(arrive(self));\n",
        "bring_up",
        "MachineBringUp.*",
    ),
    on_kernel_machine(
        "bring-up: a CPU that is turned off for its silent timer still takes interrupts",
        "kernel/hotplug/bring_up.cpp",
        "        arch::interrupt_controller_leave_cpu();\n",
        "",
        "bring_up",
        "MachineBringUp.*",
    ),
    on_kernel_machine(
        "bring-up: CPUs are marked as starting one by one",
        "kernel/hotplug/bring_up.cpp",
        "        set_starting(CpuId{index});\n    write_boot_records(machine);\n"
        "    for (u32 index = 1; index < machine.cpus.size(); ++index) {\n",
        "        static_cast<void>(index);\n    write_boot_records(machine);\n"
        "    for (u32 index = 1; index < machine.cpus.size(); ++index) {\n"
        "        set_starting(CpuId{index});\n",
        "power_on",
        "MachinePowerOn.*",
    ),
    on_kernel_machine(
        "power-on: a call that is undefined counts as accepted",
        "kernel/hotplug/power_on.cpp",
        "    if (arch::catch_fault(make, &call))\n"
        '        return std::unexpected{"the firmware call is undefined on this machine"};\n',
        "    static_cast<void>(arch::catch_fault(make, &call));\n",
        "bring_up",
        "MachineBringUp.*",
    ),
    on_kernel_machine(
        "power-on: a release address stays mapped",
        "kernel/hotplug/power_on.cpp",
        "    mm::iounmap(*mapped);\n",
        "",
        "power_on",
        "MachinePowerOn.*",
    ),
    on_kernel_machine(
        "hotplug: a CPU that does not come back in time is waited for",
        "kernel/hotplug/hotplug.cpp",
        "seconds) && !leave_out(cpu))",
        "seconds))",
        "hotplug",
        "MachineHotplug.*",
    ),
    on_kernel_machine(
        "percpu mode: the text is patched while other CPUs run",
        "kernel/percpu/mode.cpp",
        "    stop_machine([form] { arch::patch_percpu_operations(form); });",
        "    const arch::InterruptMask masked;\n    arch::patch_percpu_operations(form);",
        "percpu_mode",
        "MachinePercpuMode.*",
    ),
    on_kernel_machine(
        "percpu mode: one CPU with LSE is enough",
        "kernel/percpu/mode.cpp",
        "all = all && cpu_features(cpu).lse;",
        "all = all || cpu_features(cpu).lse;",
        "percpu_mode",
        "MachinePercpuMode.*",
    ),
    on_kernel_machine(
        "percpu mode: auto does not ask the list of CPUs whose TLBs may be shared",
        "kernel/percpu/mode.cpp",
        "    if (cpu_that_may_share_its_tlb())\n"
        '        return {PercpuMode::Restart, "auto: by the list of CPUs whose TLBs may be shared"};\n',
        "",
        "percpu_mode",
        "MachinePercpuMode.*",
    ),
    on_kernel_machine(
        "add form: the last round counts, and not the fastest",
        "kernel/percpu/add_form.cpp",
        "best = std::min(best, arch::timer_ticks() - before);",
        "best = arch::timer_ticks() - before;",
        "add_form",
        "MachineAddForm.*",
    ),
    on_kernel_machine(
        "add form: half the time of LDADD is not enough",
        "kernel/percpu/add_form.cpp",
        "ticks[best] * 2 > ticks[0]",
        "ticks[best] * 2 >= ticks[0]",
        "add_form",
        "MachineAddForm.*",
    ),
    on_kernel_machine(
        "probe: each pair has the time of all",
        "kernel/percpu/probe.cpp",
        "arch::timer_frequency() / (2 * online_cpu_count())",
        "arch::timer_frequency() / 2",
        "probe",
        "MachineProbe.*",
    ),
    on_kernel_machine(
        "probe: a second probe goes on from the turns of the first",
        "kernel/percpu/probe.cpp",
        "        turn.on(cpu).store(0, std::memory_order_relaxed);\n",
        "",
        "probe",
        "MachineProbe.*",
    ),
)
