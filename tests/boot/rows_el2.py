# SPDX-License-Identifier: BSD-2-Clause
"""Rows of a kernel that stays at EL2, as the boot argument el=2 has it, and of those that cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple

from frontdoor.loaders import EDK2
from row import (
    NOT_ON_THE_DEFAULT_MACHINE,
    OF_EL2,
    OF_MACHINE,
    Row,
)
from rows_boards import ends
from rows_percpu import OF_THIS_CPU, OF_THIS_CPU_IN_LINE, ON_A_COMMON_ROOT, shows_mode
from rows_uefi import BY_ACPI, BY_UEFI

RUNS_AT_EL2 = "^machine: image at .*, entered at EL2, runs at EL2$"
RUNS_AT_EL1 = "^machine: image at .*, runs at EL1$"
LEVEL = "exception_level.*"
# What differs at EL2: registers, interrupts, debug exceptions, counters, invalidation, and CPUs that come.
OF_LEVEL = (
    f"selftest={LEVEL},cpu_setup.*,cpu_features.*,interrupts.*,roots.*,percpu.*,emitted_code.*,hazard*,"
    "spurious_fault.*,*hotplug.*"
)
NOT_AT_EL2 = tuple(test for test in NOT_ON_THE_DEFAULT_MACHINE if test not in OF_EL2)


def _at_el2(name: str, append: str = OF_LEVEL, **columns: object) -> Row:
    """Returns the row of a machine that enters at EL2 and whose kernel stays there."""
    row = Row(name, el=2, append=f"el=2 {append}".rstrip(), shows=(RUNS_AT_EL2,), must_run=OF_EL2)
    return replace(row, **columns)


EL2: Tuple[Row, ...] = (
    _at_el2("passes_at_el2_on_the_default_machine", "", must_run=("*",), may_skip=NOT_AT_EL2),
    *(
        _at_el2(
            f"passes_at_el2_in_{mode}_mode",
            f"percpu={mode} {OF_THIS_CPU},{LEVEL}",
            shows=(RUNS_AT_EL2, shows_mode(mode)),
        )
        for mode in ("restart", "fixup", "guarded")
    ),
    _at_el2(
        "passes_at_el2_on_a_common_root",
        f"roots=common percpu=fixup selftest=common_root.*,{LEVEL}",
        shows=(RUNS_AT_EL2, ON_A_COMMON_ROOT),
        must_run=(*OF_EL2, "common_root.*"),
    ),
    _at_el2("passes_at_el2_on_neoverse-n1_with_gicv2", cpu="neoverse-n1", gic=2),
    _at_el2(
        "passes_at_el2_on_cortex-a76_with_spin_tables_and_junk_in_all_registers",
        cpu="cortex-a76",
        tree="spin_table",
        leftovers=True,
    ),
    _at_el2(
        "passes_at_el2_through_edk2",
        f"{OF_MACHINE},{LEVEL}",
        loader=EDK2,
        shows=(RUNS_AT_EL2, BY_UEFI, BY_ACPI),
    ),
    _at_el2(
        "passes_at_el2_with_its_physical_timer",
        f"selftest={LEVEL},interrupts.*,timers.*,*hotplug.*",
        tree="no_virtual_timer_of_el2",
    ),
    _at_el2(
        "panics_at_el2_without_a_timer_of_el2",
        tree="no_timer_of_el2",
        exit_code=2,
        checks=(),
        shows=("^panic: el=2: the firmware names no interrupt of a timer of EL2 ",),
    ),
    _at_el2(
        "runs_on_one_cpu_at_el2_where_the_tree_wants_hvc",
        f"selftest={LEVEL},roots.*",
        cpus=2,
        tree="psci_by_hvc",
        online=(0,),
        shows=(
            RUNS_AT_EL2,
            "^psci: an HVC at EL2 would call this kernel itself, so there is no PSCI$",
            "^cpu1: the firmware has no PSCI of version 0.2 or later, left out$",
        ),
    ),
    _at_el2(
        "leaves_out_cpus_at_el1_from_a_kernel_at_el2",
        f"selftest={LEVEL},roots.*,percpu.*",
        tree="spin_table",
        penned_at_el1=True,
        online=(0,),
        shows=(
            RUNS_AT_EL2,
            *(f"^cpu{cpu}: refused, because it lacks el2, left out$" for cpu in (1, 2, 3)),
            "^machine: .*, 1 of 4 CPUs, ",
        ),
    ),
    Row(
        "stays_at_el1_where_el2_is_asked_for_and_cortex-a72_has_no_vhe",
        cpu="cortex-a72",
        el=2,
        append=f"el=2 selftest={LEVEL},cpu_setup.*",
        shows=(RUNS_AT_EL1, "^boot argument el=2: the boot CPU lacks FEAT_VHE, using 1$"),
    ),
    Row(
        "stays_at_el1_where_el2_is_asked_for_and_the_loader_entered_at_el1",
        append=f"el=2 selftest={LEVEL},cpu_setup.*",
        shows=(RUNS_AT_EL1, "^boot argument el=2: the loader entered at EL1, using 1$"),
    ),
    *(replace(row, append=f"el=2 {row.append}") for row in ends("virt_at_el2", {"el": 2})),
    *(
        _at_el2(
            f"passes_every_self_test_at_el2_in_{mode}_mode",
            f"percpu={mode} selftest=*",
            shows=(RUNS_AT_EL2, shows_mode(mode)),
            is_long=True,
        )
        for mode in ("restart", "fixup", "guarded")
    ),
    *(
        _at_el2(f"passes_every_self_test_at_el2_on_{cpu}", "selftest=*", cpu=cpu, is_long=True)
        for cpu in ("neoverse-n1", "cortex-a76", "neoverse-v1", "a64fx")
    ),
    _at_el2(
        "passes_every_self_test_at_el2_on_a_common_root",
        "roots=common percpu=fixup selftest=*",
        shows=(RUNS_AT_EL2, ON_A_COMMON_ROOT),
        must_run=(*OF_EL2, "common_root.*"),
        is_long=True,
    ),
    _at_el2("passes_every_self_test_at_el2_debug", "selftest=*", preset="debug", is_long=True),
    *(
        _at_el2(
            f"passes_at_el2_in_{mode}_mode_in_line",
            f"{OF_THIS_CPU_IN_LINE},{LEVEL}",
            preset=f"only-{mode}",
            is_long=True,
        )
        for mode in ("restart", "fixup", "guarded")
    ),
)
