# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of what a CPU runs with its MMU off."""

from __future__ import annotations

from mutant import by_boot_at_el2, on_host

EL1_SETUP = ("tests/host/boot/el1_setup_test.cpp",)
EL2_SETUP = ("tests/host/boot/el2_setup_test.cpp",)
PROFILING_SETUP = ("tests/host/boot/profiling_setup_test.cpp",)
LEVEL = (
    "tests/host/boot/level_choice_test.cpp",
    "kernel/boot_arguments/boot_arguments.cpp",
    "kernel/boot_arguments/given_arguments.cpp",
    "kernel/lib/format.cpp",
)

MUTANTS = (
    on_host(
        "cpu setup: FAR_EL1 is not asked about host mode",
        "boot/el2_setup.hpp",
        "    if (cpu.template read<FarEl1>().raw == 1)\n        return without;",
        "    if (cpu.template read<FarEl1>().raw != 0)\n        return without;",
        EL2_SETUP,
        "El2Setup.FindsOut*",
    ),
    on_host(
        "cpu setup: HCR_EL2 is written while loads are under way",
        "boot/el2_setup.hpp",
        "    cpu.dsb();\n",
        "",
        EL2_SETUP,
        "El2Setup.*",
    ),
    on_host(
        "cpu setup: the ID register is not asked about host mode",
        "boot/el2_setup.hpp",
        "    if (!mmfr4.can_clear_e2h()) {",
        "    if (mmfr4.raw == ~u64{0}) {",
        EL2_SETUP,
        "El2Setup.UsesTheLayout*",
    ),
    on_host(
        "cpu setup: ICH_HCR_EL2 is written though EL3 keeps the GIC's registers off",
        "boot/el2_setup.hpp",
        "    if (cpu.template read<IccSre>().template get<IccSre::Sre>() != 0)\n"
        "        cpu.write(IchHcr{}); // no virtual interface",
        "    cpu.write(IchHcr{}); // no virtual interface",
        EL2_SETUP,
        "El2Setup.LeavesIchHcr*",
    ),
    on_host(
        "cpu setup: fine-grained traps of the debug registers stay",
        "boot/el2_setup.hpp",
        "    cpu.write(Hdfgwtr{});\n",
        "",
        EL2_SETUP,
        "El2Setup.LeavesNoTrap*",
    ),
    on_host(
        "cpu setup: the last watchpoint stays armed",
        "boot/el1_setup.hpp",
        "        ((N <= last_watchpoint ? cpu.write(WatchpointControl<N>{}) : void()), ...);",
        "        ((N < last_watchpoint ? cpu.write(WatchpointControl<N>{}) : void()), ...);",
        EL1_SETUP,
        "El1Setup.LeavesNothing*",
    ),
    on_host(
        "cpu setup: overflows of the PMU stay pending",
        "boot/el1_setup.hpp",
        "    cpu.write(Pmovsclr{all});\n",
        "",
        EL1_SETUP,
        "El1Setup.LeavesNothing*",
    ),
    on_host(
        "cpu setup: a profiling buffer that EL3 keeps back is touched",
        "boot/profiling_setup.hpp",
        "    if (!exists || cpu.template read<Identity>().template get<typename Identity::Prevented>() != 0)",
        "    if (!exists)",
        PROFILING_SETUP,
        "ProfilingSetup.*",
    ),
    on_host(
        "cpu setup: the last writes of a buffer are not waited for",
        "boot/profiling_setup.hpp",
        "    cpu.finish_buffered_writes();\n",
        "",
        PROFILING_SETUP,
        "ProfilingSetup.*",
    ),
    on_host(
        "cpu setup: a profiling buffer keeps writing when EL2 is left",
        "boot/el2_setup.hpp",
        "    stop_profiling(cpu);\n",
        "",
        PROFILING_SETUP,
        "ProfilingSetup.*",
    ),
    on_host(
        "level: EL2 without FEAT_VHE",
        "boot/level_choice.hpp",
        "asked == LevelChoice::El2 && reason_against_el2(facts).empty() ?",
        "asked == LevelChoice::El2 && facts.entered_at_el2 ?",
        LEVEL,
        "LevelChoice.*",
    ),
    on_host(
        "level: a kernel that stays at EL2 finds another SCTLR",
        "boot/el2_setup.hpp",
        "        cpu.write(SctlrEl1{sctlr_el1});\n        cpu.write(CntvCtlEl02{});\n",
        "        cpu.write(CntvCtlEl02{});\n",
        EL2_SETUP,
        "El2Setup.PutsACpuThatStays*",
    ),
    by_boot_at_el2(
        "level: the register of the distance stays that of EL1",
        "kernel/init/main.cpp",
        "    if (arch::runs_at_el2())\n        arch::patch_level_sites(arch::LevelCondition::AtEl2);\n",
        "",
        "exception_level.*",
    ),
    by_boot_at_el2(
        "level: breakpoints do not fire at EL2",
        "arch/arm64/debug/breakpoint.cpp",
        "        .with<BreakpointControl::Hyp>(runs_at_el2() ? 1 : 0)\n",
        "",
        "hazard_migration.*",
    ),
    by_boot_at_el2(
        "level: the counters do not count at EL2",
        "arch/arm64/include/arch/cpu/performance_counter.hpp",
        "Pmccfiltr{kCountsAtEl2}.write();",
        "Pmccfiltr{}.write();",
        "exception_level.every_counter*",
    ),
)
