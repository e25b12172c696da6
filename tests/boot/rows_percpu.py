# SPDX-License-Identifier: BSD-2-Clause
"""Rows about the percpu allocator's windows and the modes of the this_cpu operations."""

from __future__ import annotations

from typing import Any, Tuple

from row import (
    GEOMETRIES,
    MEMORY_LATER,
    NOT_ON_THE_DEFAULT_MACHINE,
    NOT_WITH_A_COMMON_ROOT,
    OF_MAPPED_WINDOWS,
    Row,
)

# The percpu suites about what depends on the number of CPUs: sizes of units and chunks, sums over all copies,
# steps that can fail.
SIZED_BY_CPUS = (
    *("allocator", "counter", "failure", "interrupted", "object", "population", "query", "ref"),
    *("wrong_free",),
)
# Those in which all CPUs work at once, or go one after the other. They take as long as the host needs to run
# each CPU, and more CPUs than the host has meet no more often in them.
USING_ALL_CPUS = ("hammer", "hotplug")


def _percpu_suites(parts: Tuple[str, ...]) -> str:
    return f"selftest={','.join(f'percpu_{part}.*' for part in parts)}"


OF_WINDOWS = "selftest=percpu*,roots.*,root_sync.*,this_cpu*,hotplug.*,vmap.*,ptdump.*"
# Tests of what is otherwise where all CPUs are on one root.
OF_ROOTS = (
    f"{_percpu_suites(('hotplug', 'mode', *SIZED_BY_CPUS))},percpu.*,this_cpu*,emitted_code.*,"
    "common_root.*,roots.*,root_sync.*,hotplug.*,hot_memory.*,linear_clone.*,mapping_audit.*,page_table.*,"
    "ptdump.*,set_memory.*,vmap.*"
)
# Tests that depend on the mode of the this_cpu operations.
OF_THIS_CPU = "selftest=this_cpu*,percpu.*,percpu_counter.*,hazard*,emitted_code.*"
# The same in a build of one mode, with what is otherwise where a mode stands in line. Its registers are
# another choice of the compiler's, and exceptions take other paths.
OF_THIS_CPU_IN_LINE = OF_THIS_CPU.replace(
    "emitted_code.*", "emitted_in_line.*,interrupts.*,migration.*,threads.*"
)
_OF_FIXUP_IN_LINE = "emitted_in_line.a_fixup_sequence_notes_its_registers_first_and_clears_the_note_last"
_OF_RESTART_IN_LINE = "emitted_in_line.a_restart_sequence_starts_over_up_to_its_commit_and_not_after"
OF_ANOTHER_MODE_IN_LINE = {
    "restart": (_OF_FIXUP_IN_LINE,),
    "fixup": (_OF_RESTART_IN_LINE,),
    "guarded": (_OF_FIXUP_IN_LINE, _OF_RESTART_IN_LINE),
}
ON_A_COMMON_ROOT = "^roots: common to all CPUs, CnP = 1 on cpu0$"
# Interrupts can come before any instruction: this emulator takes them between blocks of instructions, and
# with this option each block is one instruction.
ONE_BY_ONE = ("-accel", "tcg,thread=multi,one-insn-per-tb=on")

WINDOWS: Tuple[Row, ...] = (
    Row(
        "passes_the_percpu_suites_on_160_cpus",
        cpus=160,
        memory="2G",
        append=_percpu_suites(SIZED_BY_CPUS),
    ),
    Row(
        "passes_the_percpu_hammers_on_64_cpus",
        cpus=64,
        memory="2G",
        append=_percpu_suites(USING_ALL_CPUS),
    ),
    # Windows with tables of their own. The default preset runs all tests, the others those of windows.
    *(
        Row(
            f"passes_with_{preset}_and_mapped_windows",
            preset=preset,
            append="percpu.window=mapped percpuinfo" + ("" if preset == "4k-48" else f" {OF_WINDOWS}"),
            shows=(r"^percpuinfo: windows mapped; ",),
            must_run=OF_MAPPED_WINDOWS,
        )
        for preset in ("4k-48", "debug", *GEOMETRIES)
    ),
    Row(
        "local_mode_on_a_cpu_that_may_share_tlb_entries_is_warned_of",
        cpus=2,
        append="selftest=percpu.*",
        qemu=("-global", "max-arm-cpu.midr=0x431f0af1"),
        shows=(
            r"^percpu: local \(default\)$",
            r"^percpu: warning: cpu0 \(ThunderX2 r1p1\) may share TLB entries",
        ),
    ),
    Row(
        "lists_areas_and_percpu_memory",
        append="vmallocinfo percpuinfo selftest=percpu.*",
        shows=(
            r"^vmallocinfo: vmalloc +V:0x[0-9a-f]+ to V:0x[0-9a-f]+ .* pages ioremap, by .*::attach_console",
            r"^vmallocinfo: vmalloc +V:.* stacks$",
            r"^vmallocinfo: global percpu +V:.* percpu$",
            r"^vmallocinfo: local percpu +V:.* percpu$",
            r"^percpuinfo: windows linked; ",
        ),
    ),
)


def shows_mode(mode: str) -> str:
    """Returns the pattern of the line that says that the boot argument chose the mode."""
    return rf"^percpu: {mode} \(boot argument\)$"


def _mode_row(mode: str, name: str, append: str = "", shows: Tuple[str, ...] = (), **values: Any) -> Row:
    shows = (shows_mode(mode), *shows)
    row_name = f"passes_with_percpu_{mode}{name}"
    return Row(row_name, append=f"percpu={mode} {append}".strip(), shows=shows, **values)


def fixup_on_a_common_root(name: str, preset: str, cpu: str, append: str = "", **values: Any) -> Row:
    """Returns the row of a preset with all CPUs on one root, in fixup mode. The row's name begins with
    `name`."""
    return Row(
        f"{name}_with_{preset}_on_a_common_root_on_{cpu}",
        preset=preset,
        cpu=cpu,
        append=f"percpu=fixup roots=common {append}".strip(),
        shows=(ON_A_COMMON_ROOT,),
        must_run=("common_root.*",),
        **values,
    )


def _rows_in_line(mode: str) -> Tuple[Row, ...]:
    """Rows of the build that has one mode only, in line."""

    def row(name: str, append: str = "", **values: Any) -> Row:
        shows = (rf"^percpu: {mode} \(built in\)$", *values.pop("shows", ()))
        return Row(name, preset=f"only-{mode}", append=append, shows=shows, **values)

    return (
        row(
            f"passes_with_{mode}_in_line",
            must_run=("emitted_in_line.*", "hazard*", "percpu.*"),
            may_skip=(*NOT_ON_THE_DEFAULT_MACHINE, *OF_ANOTHER_MODE_IN_LINE[mode]),
        ),
        row(f"passes_with_{mode}_in_line_without_lse", OF_THIS_CPU_IN_LINE, cpu="cortex-a53"),
        row(
            f"passes_with_{mode}_in_line_interrupted_at_any_instruction",
            "selftest=hazard*,migration.*",
            qemu=ONE_BY_ONE,
        ),
        row(
            f"refuses_percpu_local_with_{mode}_in_line",
            "percpu=local selftest=emitted_in_line.*",
            cpus=1,
            shows=(rf"^boot argument percpu=local: is neither {mode} nor auto, using {mode}$",),
        ),
    )


MODES: Tuple[Row, ...] = (
    *(row for mode in ("restart", "fixup", "guarded") for row in _rows_in_line(mode)),
    *(_mode_row(mode, "") for mode in ("restart", "fixup", "guarded")),
    *(
        _mode_row(
            mode,
            "_on_a_common_root",
            f"roots=common {MEMORY_LATER} {OF_ROOTS}",
            (
                r"^roots: complete with .* private tables 0 KiB ",
                ON_A_COMMON_ROOT,
            ),
            cpus=8,
            must_run=("*",),
            may_skip=NOT_WITH_A_COMMON_ROOT,
        )
        for mode in ("restart", "fixup", "guarded")
    ),
    # The fewest levels and the most, and a top level that is folded away.
    *(
        fixup_on_a_common_root(
            "passes", preset, cpu, "selftest=common_root.*,roots.*,root_sync.*,percpu.*,ptdump.*"
        )
        for preset, cpu in (("64k-42", "max"), ("4k-52", "neoverse-n1"))
    ),
    Row(
        "percpu_auto_is_restart_on_a_common_root_and_cnp_is_0_if_a_cpu_lacks_it",
        append="roots=common percpu=auto cpufeature.mask=cpu1:cnp selftest=common_root.*,percpu.*",
        shows=(
            r"^percpu: restart \(auto: all CPUs are on one root\)$",
            "^roots: common to all CPUs, CnP = 0 on cpu0$",
        ),
        must_run=("common_root.*",),
    ),
    Row(
        "refuses_a_common_root_with_local_mode",
        append="roots=common selftest=common_root.*,roots.*",
        shows=(
            "^boot argument roots=common: cannot go with percpu=local, using private$",
            r"^percpu: local \(default\)$",
        ),
    ),
    # Every geometry on every number of CPUs in every mode.
    *(
        Row(
            f"passes_in_every_mode_with_{preset}_on_{cpus}_cpus",
            preset=preset,
            cpus=cpus,
            append=f"selftest.every_mode {OF_THIS_CPU}",
            checks=("report_of_every_mode", "summary"),
        )
        for preset in ("4k-48", "debug", *GEOMETRIES)
        for cpus in (1, 2, 4, 8)
    ),
    *(
        _mode_row(mode, "_without_lse", OF_THIS_CPU, cpu="cortex-a53", cpus=cpus)
        for mode, cpus in (("local", 8), ("restart", 2), ("fixup", 8), ("guarded", 4))
    ),
    *(
        _mode_row(mode, "_interrupted_at_any_instruction", "selftest=hazard*,migration.*", qemu=ONE_BY_ONE)
        for mode in ("local", "restart", "fixup", "guarded")
    ),
    *(
        Row(
            f"adds_with_{form}",
            append=f"percpu.add={form} {OF_THIS_CPU}",
            shows=(rf"^percpu: adds without result by {form} \(boot argument\)$",),
        )
        for form in ("stadd", "llsc")
    ),
    Row(
        "percpu_auto_detects_private_tlbs",
        append="percpu=auto selftest=percpu_mode.*",
        shows=(
            r"^percpu: local \(auto: the probe found all TLBs private\)$",
            r"ok \d+ the_probe_sees_two_cpus_that_share_a_root$",
        ),
    ),
    Row(
        "percpu_auto_avoids_local_mode_on_a_cpu_that_may_share_tlb_entries",
        cpus=2,
        append="percpu=auto selftest=percpu.*",
        qemu=("-global", "max-arm-cpu.midr=0x431f0af1"),
        shows=(r"^percpu: restart \(auto: by the list of CPUs whose TLBs may be shared\)$",),
    ),
    Row("passes_without_local_mode", preset="no-local-percpu", shows=(r"^percpu: restart \(default\)$",)),
    Row(
        "refuses_percpu_local_without_local_mode",
        preset="no-local-percpu",
        append="percpu=local selftest=emitted_code.*",
        shows=(r"^boot argument percpu=local: is none of restart, fixup, guarded and auto, using restart$",),
    ),
)
