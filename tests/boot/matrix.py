# SPDX-License-Identifier: BSD-2-Clause
"""The boot matrix, as data: which machines the kernel is booted on, and what has to come of it.

It is not the cross product. PAIRS has every two values of different columns together in some row (a
test of the front door checks that); OTHERS are runs that stand for a property of their own. Run as a
program, it lists the rows for CMake: name, host threads kept busy, timeout in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

HOST_THREADS = 8
# With more than these, what waits for all CPUs takes as long as the host takes to run each of them: the suites
# that hammer, those of threads and those that wait for workers are for fewer.
MANY_CPUS = 16
FOR_MANY_CPUS = (
    *("roots.*", "percpu.*", "this_cpu.*", "linear_map.*", "numa.*", "ptdump.*", "vmallocinfo.*", "percpu_query.*"),
    "percpu_wrong_free.*",
)
TEST_TIMEOUT_S = 900

# The presets other than the default one; max has all their features, neoverse-n1 neither LPA2 nor LVA.
GEOMETRIES = ("4k-39", "4k-52", "16k-47", "16k-48", "16k-52", "64k-42", "64k-48", "64k-52")

COLUMNS = ("cpus", "cpu", "gic", "el", "memory", "icount", "preset")
N, Y = False, True
PAIRS: Tuple[Tuple[int, str, int, int, str, bool, str], ...] = (
    (1, "cortex-a53", 2, 1, "1G", N, "4k-48"),
    (1, "cortex-a72", 2, 2, "8G", N, "4k-48"),
    (1, "max", 3, 1, "128M", Y, "debug"),
    (1, "neoverse-n1", 2, 1, "8G", N, "4k-48"),
    (2, "cortex-a53", 3, 1, "1G", Y, "4k-48"),
    (2, "cortex-a72", 3, 2, "1G", Y, "4k-48"),
    (2, "max", 2, 2, "128M", N, "4k-48"),
    (2, "neoverse-n1", 3, 1, "8G", N, "debug"),
    (4, "cortex-a53", 2, 2, "8G", Y, "debug"),
    (4, "cortex-a72", 3, 2, "128M", N, "4k-48"),
    (4, "max", 2, 1, "1G", Y, "debug"),
    (4, "neoverse-n1", 3, 1, "1G", N, "debug"),
    (8, "cortex-a53", 3, 2, "128M", Y, "debug"),
    (8, "cortex-a72", 3, 1, "1G", N, "debug"),
    (8, "max", 2, 1, "8G", Y, "4k-48"),
    (8, "neoverse-n1", 2, 2, "128M", Y, "4k-48"),
    (64, "cortex-a53", 3, 2, "1G", N, "debug"),
    (64, "cortex-a72", 3, 2, "128M", N, "debug"),
    (64, "max", 3, 1, "1G", N, "4k-48"),
    (64, "neoverse-n1", 3, 1, "8G", Y, "4k-48"),
)


@dataclass(frozen=True)
class Row:
    """One run. `checks` are names in checks.py, `shows` patterns that a line of the output must match. A
    machine with `tree` (see trees.py) is described by us, not by QEMU; `online` are the numbers of the CPUs
    that come up, when these are not all of QEMU's; `qemu` are arguments for it."""

    name: str
    cpus: int = 4
    cpu: str = "max"
    gic: int = 3
    el: int = 1
    memory: str = "1G"
    icount: bool = False
    preset: str = "4k-48"
    append: str = ""
    exit_code: int = 0
    checks: Tuple[str, ...] = ("whole_report", "summary")
    shows: Tuple[str, ...] = ()
    board: str = ""
    tree: str = ""
    image_at: int = 0
    online: Tuple[int, ...] = ()
    qemu: Tuple[str, ...] = ()

    @property
    def machine(self) -> str:
        """QEMU's -machine value; `virt` with virtualization enters the kernel at EL2."""
        if self.board:
            return self.board
        return f"virt,gic-version={self.gic}" + (",virtualization=on" if self.el == 2 else "")

    @property
    def boot_arguments(self) -> List[str]:
        """What `percival boot` is given."""
        return [
            *("--cpus", str(self.cpus), "--cpu", self.cpu, "--memory", self.memory),
            *("--machine", self.machine, "--preset", self.preset),
            *(["--icount"] if self.icount else []),
            *(["--append", self.append] if self.append else []),
            *(["--append", "selftest.timeout=200"] if self.cpus > MANY_CPUS else []),
            *(["--append", f"selftest={','.join(FOR_MANY_CPUS)}"] if self.runs_what_many_cpus_can else []),
            *(f"--qemu-arg={argument}" for argument in self.qemu),
        ]

    @property
    def runs_what_many_cpus_can(self) -> bool:
        """Of the tests, only those that take no longer with many CPUs; a row may ask for others itself."""
        return self.cpus > MANY_CPUS and "selftest=" not in self.append

    @property
    def cpus_online(self) -> List[int]:
        """The numbers of the CPUs that have to come up."""
        return list(self.online or range(self.cpus))

    @property
    def host_threads(self) -> int:
        """How many of the host's CPUs it keeps busy: one for each guest CPU, one in all under icount."""
        return 1 if self.icount else min(self.cpus, HOST_THREADS)


def _pair_row(values: Tuple[int, str, int, int, str, bool, str]) -> Row:
    cpus, cpu, gic, el, memory, icount, preset = values
    extras = ("_icount" if icount else "") + ("_debug" if preset == "debug" else "")
    name = f"passes_on_{cpus}_cpus_{cpu}_gicv{gic}_el{el}_{memory}{extras}"
    return Row(name, cpus, cpu, gic, el, memory, icount, preset)


# CPUs 0 and 1 with one half of the memory, CPUs 2 and 3 with the other.
TWO_NODES = (
    *("-object", "memory-backend-ram,id=m0,size=512M", "-object", "memory-backend-ram,id=m1,size=512M"),
    *("-numa", "node,memdev=m0,cpus=0-1", "-numa", "node,memdev=m1,cpus=2-3"),
)

# Not skipped.
RAM_ABOVE_512_GIB = r"ok \d+ ram_above_512_GiB_is_in_use_and_holds_what_is_written$"
WIDE_BLOCKS = r"ok \d+ translate_from_their_first_byte_to_their_last_and_can_be_cut$"

PARTS_OF_PERCPU = (
    *("allocator", "counter", "failure", "hammer", "hotplug", "interrupted", "object", "population", "query", "ref"),
    "wrong_free",
)
# What depends on how the machine is described to the kernel; and on what the percpu windows are made of. The rest of the
# tests are run on other machines of the same kind.
OF_MACHINE = "selftest=interrupts.*,roots.*,percpu.*,numa.*,linear_map.*,page_allocator.*,threads.*,hotplug.*"
OF_PERCPU = f"selftest={','.join(f'percpu_{part}.*' for part in PARTS_OF_PERCPU)}"
OF_WINDOWS = "selftest=percpu*,roots.*,root_sync.*,this_cpu*,hotplug.*,vmap.*,ptdump.*"
# What depends on the mode of the this_cpu operations.
OF_THIS_CPU = "selftest=this_cpu*,percpu.*,percpu_mode.*,percpu_counter.*,hazard*,emitted_code.*"
# Interrupts anywhere: this emulator takes them between blocks of instructions, which are one each then.
ONE_BY_ONE = ("-accel", "tcg,thread=multi,one-insn-per-tb=on")


def _mode_row(mode: str, name: str, append: str = "", **values: Any) -> Row:
    shows = (rf"^percpu: {mode} \(boot argument\)$",)
    return Row(f"passes_with_percpu_{mode}{name}", append=f"percpu={mode} {append}".strip(), shows=shows, **values)


PERCPU_MODES: Tuple[Row, ...] = (
    *(_mode_row(mode, "") for mode in ("restart", "guarded")),
    # Every geometry with each mode, and every number of CPUs; local mode is in the rows for each anyway.
    *(
        _mode_row(mode, f"_{preset}_on_{cpus}_cpus", OF_THIS_CPU, preset=preset, cpus=cpus)
        for mode, shift in (("restart", 0), ("guarded", 2))
        for number, preset in enumerate(("debug", *GEOMETRIES))
        for cpus in ((1, 2, 4, 8)[(number + shift) % 4],)
    ),
    *(
        _mode_row(mode, "_without_lse", OF_THIS_CPU, cpu="cortex-a53", cpus=cpus)
        for mode, cpus in (("local", 8), ("restart", 2), ("guarded", 4))
    ),
    *(
        _mode_row(mode, "_interrupted_before_any_instruction", "selftest=hazard*,migration.*", qemu=ONE_BY_ONE)
        for mode in ("local", "restart", "guarded")
    ),
    Row(
        "hazards_are_harmless_in_every_mode_of_one_boot",
        append="selftest=hazard_migration.a_move_before_any_instruction_is_harmless_in_every_mode",
    ),
    *(
        Row(
            f"adds_by_{form}",
            append=f"percpu.add={form} {OF_THIS_CPU}",
            shows=(rf"^percpu: adds without result by {form} \(boot argument\)$",),
        )
        for form in ("stadd", "llsc")
    ),
    Row(
        "percpu_auto_finds_the_tlbs_private",
        append="percpu=auto selftest=percpu_mode.*",
        shows=(
            r"^percpu: local \(auto: the probe found all TLBs private\)$",
            r"ok \d+ the_probe_sees_two_cpus_that_share_a_root$",
        ),
    ),
    Row("passes_without_local_mode", preset="no-local-percpu", shows=(r"^percpu: restart \(default\)$",)),
    Row(
        "without_local_mode_it_is_refused",
        preset="no-local-percpu",
        append="percpu=local selftest=emitted_code.*",
        shows=(r"^boot argument percpu=local: is none of restart, guarded and auto, using restart$",),
    ),
)

OTHERS: Tuple[Row, ...] = (
    Row(
        "passes_on_the_default_machine",
        shows=("^tlb: invalidation by range; leaves in use change their size live$",),
    ),
    Row("passes_on_160_cpus", cpus=160, memory="2G"),
    Row("passes_on_160_cpus_with_all_of_percpu_memory", cpus=160, memory="2G", append=OF_PERCPU),
    Row("passes_twice_in_a_row", cpus=2, append="selftest.repeat=2", checks=("repeated_report", "summary")),
    Row("a_pass_is_told_by_power_off", append="verdict=poweroff selftest=percpu.*"),
    Row("lists_its_tests", append="selftest.list", checks=("test_list",)),
    Row(
        "a_failing_test_exits_1",
        append="selftest=demo.fails",
        exit_code=1,
        checks=("failed_report",),
    ),
    Row(
        "a_failing_test_exits_1_by_power_off",
        append="selftest=demo.fails verdict=poweroff",
        exit_code=1,
        checks=("failed_report",),
    ),
    Row(
        "a_glob_without_tests_exits_1",
        append="selftest=no_such_suite.*",
        exit_code=1,
        checks=("no_test_ran",),
    ),
    Row(
        "a_panic_exits_2",
        append="selftest=demo.panics",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_panic_exits_2_by_power_off",
        append="selftest=demo.panics verdict=poweroff",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
    ),
    Row(
        "an_exception_is_reported_with_registers_and_syndrome",
        append="selftest=demo.dereferences_null",
        exit_code=2,
        checks=("exception_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_stack_overflow_is_reported_as_such",
        append="selftest=demo.overflows_stack",
        exit_code=2,
        checks=("overflow_report", "exception_report"),
    ),
    Row(
        "a_stack_overflow_is_reported_as_such_entered_at_el2_debug",
        el=2,
        preset="debug",
        append="selftest=demo.overflows_stack",
        exit_code=2,
        checks=("overflow_report", "exception_report"),
    ),
    Row(
        "a_smashed_stack_is_a_panic",
        append="selftest=demo.smashes_stack",
        exit_code=2,
        checks=("panic_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_hang_exits_3_with_every_cpus_backtrace",
        append="selftest=demo.hangs selftest.timeout=2",
        exit_code=3,
        checks=("hang_report", "backtrace_into_the_test"),
    ),
    Row(
        "a_hang_with_interrupts_masked_exits_3_gicv2",
        gic=2,
        cpu="cortex-a53",
        append="selftest=demo.hangs_with_interrupts_masked selftest.timeout=2",
        exit_code=3,
        checks=("masked_hang_report",),
    ),
    *(
        Row(f"passes_with_{preset}", preset=preset, shows=(WIDE_BLOCKS,) if preset.endswith("-52") else ())
        for preset in GEOMETRIES
    ),
    *(
        Row(
            f"passes_with_{preset}_folded_to_48_bits",
            preset=preset,
            cpu="neoverse-n1",
            checks=("whole_report", "summary", "folded"),
            shows=(
                "^tlb: invalidation page by page, each flush twice for cpu0, a Neoverse-N1 r4p1; "
                "leaves in use change their size by break-before-make$",
            ),
        )
        for preset in GEOMETRIES
        if preset.endswith("-52")
    ),
    # Windows with tables of their own: the default preset in all, and every other geometry.
    *(
        Row(
            f"passes_with_{preset}_and_mapped_windows",
            preset=preset,
            append="percpu.window=mapped percpuinfo" + (f" {OF_WINDOWS}" if preset in GEOMETRIES else ""),
            shows=(
                r"ok \d+ mapped_windows_have_tables_of_their_own$",
                r"^percpuinfo: windows mapped; ",
            ),
        )
        for preset in ("4k-48", "debug", *GEOMETRIES)
    ),
    Row(
        "lists_what_addresses_are_used_for",
        append="vmallocinfo percpuinfo selftest=percpu.*",
        shows=(
            r"^vmallocinfo: vmalloc +V:0x[0-9a-f]+ to V:0x[0-9a-f]+ .* pages ioremap, by .* kernel_main",
            r"^vmallocinfo: vmalloc +V:.* stacks$",
            r"^vmallocinfo: global percpu +V:.* percpu$",
            r"^vmallocinfo: local percpu +V:.* percpu$",
            r"^percpuinfo: windows linked; ",
        ),
    ),
    *PERCPU_MODES,
    Row("passes_with_a_linear_map_of_pages", append="linear=pages"),
    Row("passes_with_16k-47_and_a_linear_map_of_pages", preset="16k-47", memory="8G", append="linear=pages"),
    Row(
        "passes_with_two_numa_nodes",
        qemu=TWO_NODES,
        shows=(
            r"ok \d+ a_cpus_percpu_data_and_stack_are_in_its_own_nodes_memory$",
            r"ok \d+ a_node_that_is_used_up_is_helped_out_by_another$",
        ),
    ),
    Row("passes_with_64_GiB", cpus=2, memory="64G"),
    Row("passes_with_640_GiB", memory="640G", shows=(RAM_ABOVE_512_GIB,)),
    Row(
        "passes_with_4k-52_and_1100_GiB_one_block_of_which_is_512_GiB",
        preset="4k-52",
        memory="1100G",
        append="ptdump",
        shows=(RAM_ABOVE_512_GIB, r"^ptdump: linear map .* 512 GiB P:0x8000000000 level 0 blocks "),
    ),
    Row(
        "lists_what_the_regions_addresses_are_used_for",
        cpus=2,
        append="vmallocinfo selftest=vmallocinfo.*",
        shows=(
            r"^vmallocinfo: vmalloc +V:0x[0-9a-f]+ to V:0x[0-9a-f]+ +\S.* \d+ pages stacks",
            r"^vmallocinfo: vmalloc .* pages ioremap, by V:0x[0-9a-f]+ \w\S*\+0x",
            r"^vmallocinfo: global percpu .* pages percpu$",
            r"^vmallocinfo: global percpu 2 areas in use, ",
            r"^vmallocinfo: local percpu .* pages percpu$",
            r"^vmallocinfo: modules +0 areas in use, ",
            r"^vmallocinfo: \d+ flushes so far, of \d+ areas$",
        ),
    ),
    Row("passes_with_64k-42_on_160_cpus", preset="64k-42", cpus=160, memory="2G"),
    Row(
        "a_cpu_without_16k_pages_is_refused_by_name",
        cpu="cortex-a53",
        preset="16k-47",
        exit_code=2,
        checks=("refusal",),
    ),
)

TREES: Tuple[Row, ...] = (
    Row(
        "passes_on_raspi4b_with_spin_tables_and_no_psci",
        cpu="cortex-a72",
        gic=2,
        el=2,
        memory="2G",
        append=OF_MACHINE,
        board="raspi4b",
        tree="raspi4b.dts",
        shows=(
            r"^machine: Raspberry Pi 4 Model B, 4 of 4 CPUs, .*, GICv2, ",
            r"^machine: .*, entered at EL2, runs at EL1$",
        ),
    ),
    Row("passes_with_spin_tables_and_no_psci", tree="spin_table", shows=(r"^machine: .*, 4 of 4 CPUs, ",)),
    Row(
        "a_spinning_cpu_that_never_looks_is_left_out",
        append=OF_MACHINE,
        tree="spin_table_and_a_cpu_that_never_looks",
        online=(0, 1, 3, 4),
        shows=(
            r"^cpu2: did not come up \(MPIDR 0x1ff\), left out$",
            r"^machine: .*, 4 of 5 CPUs, ",
        ),
    ),
    Row(
        "a_cpu_that_does_not_exist_is_left_out",
        tree="absent_cpu",
        online=(0, 1, 3, 4),
        shows=(
            r"^cpu2: PSCI CPU_ON: invalid parameters, .*, left out$",
            r"^machine: .*, 4 of 5 CPUs, ",
        ),
    ),
    Row(
        "a_disabled_cpu_stays_off",
        append=OF_MACHINE,
        tree="disabled_cpu",
        online=(0, 1, 2),
        shows=(r"^machine: .*, 3 of 3 CPUs, ",),
    ),
    Row(
        "memory_that_is_reserved_or_in_no_bank_is_not_written_to",
        memory="256M",
        tree="two_banks",
        shows=(r"^machine: .* in 2 bank\(s\), ",),
    ),
    Row(
        "passes_with_banks_a_TiB_apart",
        memory="1026G",
        tree="banks_far_apart",
        shows=(r"^machine: .*, 2 GiB in 2 bank\(s\), ", RAM_ABOVE_512_GIB),
    ),
    Row(
        "passes_without_a_uart",
        tree="no_uart",
        exit_code=3,
        checks=(),
        shows=("^percival: the kernel stated no verdict; QEMU exited with 0$",),
    ),
    Row(
        "panics_without_a_uart",
        tree="no_uart",
        append="selftest=demo.panics",
        exit_code=3,
        checks=(),
        shows=("^percival: the kernel stated no verdict; QEMU exited with 2$",),
    ),
    Row(
        "a_tree_without_memory_is_a_panic",
        tree="no_memory",
        exit_code=2,
        checks=(),
        shows=("^panic: device tree: /: there is no memory: ",),
    ),
    Row(
        "a_tree_without_gic_is_a_panic",
        tree="no_gic",
        append="verdict=poweroff",
        exit_code=2,
        checks=(),
        shows=("^panic: device tree: /: there is no interrupt controller: ",),
    ),
    Row(
        "a_tree_without_cpus_is_a_panic",
        tree="no_cpus",
        exit_code=2,
        checks=(),
        shows=("^panic: device tree: /cpus: is missing",),
    ),
    Row(
        "a_tree_without_the_boot_cpu_is_a_panic",
        tree="no_boot_cpu",
        exit_code=2,
        checks=(),
        shows=(r"^panic: device tree: the CPU it was given to \(MPIDR 0x0\) is not in it$",),
    ),
    Row(
        "passes_loaded_in_the_middle_of_memory",
        append=OF_MACHINE,
        tree="as_it_is",
        image_at=0x4A60_0000,
        shows=("^machine: image at P:0x4a600000, ",),
    ),
    Row(
        "passes_loaded_at_the_end_of_memory_entered_at_el2",
        el=2,
        append=OF_MACHINE,
        tree="as_it_is",
        image_at=0x7FE0_0000,
        shows=("^machine: image at P:0x7fe00000, .* entered at EL2",),
    ),
)

ROWS: Tuple[Row, ...] = tuple(map(_pair_row, PAIRS)) + OTHERS + TREES
BY_NAME: Dict[str, Row] = {row.name: row for row in ROWS}


def main() -> None:
    """Lists the rows for CMake."""
    for row in ROWS:
        print(f"{row.name} {row.host_threads} {TEST_TIMEOUT_S}")


if __name__ == "__main__":
    main()
