# SPDX-License-Identifier: BSD-2-Clause
"""A row of the boot matrix: one machine, and the expected result of booting it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import List, Tuple

HOST_THREADS = 8
# With more CPUs than this, waiting for all CPUs takes as long as the host needs to run each of them. The
# suites that hammer, those of threads and those that wait for workers run on fewer CPUs only.
MANY_CPUS = 16
FOR_MANY_CPUS = (
    *("roots.*", "percpu.*", "this_cpu.*", "linear_map.*", "numa.*", "ptdump.*", "vmallocinfo.*"),
    *("percpu_query.*", "percpu_wrong_free.*"),
)
TEST_TIMEOUT_S = 900
LONG_TIMEOUT_S = 4 * 3600
# What one boot of a long row may take. It must end before ctest does, and it counts as hung only when no
# amount of other load explains it: the kernel ends a self-test that hangs by itself (selftest.timeout).
LONG_BOOT_TIMEOUT_S = 3 * 3600
SOAK_TIMEOUT_S = 1800

# The presets other than the default one. `max` has all the CPU features they use; neoverse-n1 has neither
# LPA2 nor LVA.
GEOMETRIES = ("4k-39", "4k-52", "16k-47", "16k-48", "16k-52", "64k-42", "64k-48", "64k-52")
# Tests that depend on where memory is, and how much. The other tests run on other machines of the same kind.
OF_MEMORY = (
    "selftest=page_*,linear_map.*,numa.*,memory_hammer.*,small_objects.*,vmalloc*,vmap.*,wide_blocks.*,"
    "set_memory*,roots.*,percpu.*,percpu_allocator.*,percpu_population.*,protection.*,ptdump.*"
)
# Tests of a linear map that was repainted at boot, or not.
OF_REPAINT = "selftest=repaint.*,linear_clone.*,linear_map.*,roots.*"
# Tests that depend on how the machine is described to the kernel. The other tests run on other machines of
# the same kind.
OF_MACHINE = (
    "selftest=interrupts.*,roots.*,percpu.*,numa.*,linear_map.*,page_allocator.*,threads.*,*hotplug.*"
)


# Tests that builds without the debug checks skip.
OF_DEBUG_BUILDS = (
    "lock_order.contradicting_orders_are_found_without_a_deadlock",
    "lock_order.different_kinds_of_locks_are_checked_together",
    "lock_order.a_lock_is_checked_against_all_that_are_held",
    "lock_order.nested_locks_of_one_class_are_found",
    "page_allocator.a_write_after_free_is_reported_with_its_address",
    "small_objects.a_double_free_and_a_write_after_free_are_reported_at_once",
)
# Tests of what the boot argument objects.guard switches on.
OF_GUARDED_OBJECTS = (
    "guarded_objects.an_object_ends_where_its_page_ends",
    "guarded_objects.a_use_after_free_faults_on_every_cpu_and_names_size_allocator_and_freer",
    "guarded_objects.an_access_behind_an_object_faults_and_names_it",
    "guarded_objects.a_second_free_and_a_free_with_a_wrong_size_are_refused",
    "guarded_objects.addresses_of_a_freed_object_stay_invalid_while_many_others_come_and_go",
    "guarded_objects.the_page_of_a_freed_object_is_free_memory",
    "guarded_objects.without_memory_an_allocation_is_null_and_the_next_one_with_memory_succeeds",
    "guarded_objects.when_all_slots_are_live_the_slabs_serve",
)
OF_SEVERAL_NODES = (
    "numa.the_percpu_data_and_stack_of_a_cpu_are_on_its_own_node",
    "numa.every_cpu_gets_pages_of_its_own_node_and_frees_pages_of_any_node",
    "numa.an_exhausted_node_gets_pages_from_another_node",
)

# CPUs 0 and 1 have one half of the memory, CPUs 2 and 3 the other.
TWO_NODES = (
    *("-object", "memory-backend-ram,id=m0,size=512M", "-object", "memory-backend-ram,id=m1,size=512M"),
    *("-numa", "node,memdev=m0,cpus=0-1", "-numa", "node,memdev=m1,cpus=2-3"),
)
OF_ENTRY_AT_EL2 = (
    "cpu_setup.an_hvc_without_a_hypervisor_is_not_supported",
    "cpu_setup.a_trap_to_el2_is_an_exception_of_el1",
)
# Tests of a kernel that stays at EL2.
OF_EL2 = (
    "exception_level.at_el2_every_cpu_is_in_host_mode_with_the_distance_in_tpidr_el2",
    "exception_level.at_el2_the_alarm_is_a_timer_of_el2_that_has_an_interrupt",
    "exception_level.at_el2_tpidr_el1_means_nothing",
)
OF_WIDE_BLOCKS = ("wide_blocks.translate_from_their_first_to_their_last_byte_and_can_be_split",)
OF_RAM_ABOVE_512_GIB = ("linear_map.ram_above_512_GiB_is_in_use_and_keeps_written_values",)
OF_NO_MAP_MEMORY = ("linear_map.memory_reserved_with_no_map_has_no_mapping_unless_it_is_the_image",)
OF_PAGES = ("repaint.after_a_boot_that_chose_pages_no_leaf_of_the_linear_map_is_larger",)
OF_UNSPLITTABLE_BLOCKS = ("set_memory.blocks_that_a_cpu_cannot_split_in_use_are_refused_and_stay",)
OF_MAPPED_WINDOWS = ("roots.mapped_windows_have_tables_of_their_own",)
# Tests that need one root for all CPUs, and those that need a root for each.
OF_COMMON_ROOT = (
    "common_root.a_stray_access_to_a_local_address_faults",
    "common_root.every_cpu_is_on_the_master",
    "common_root.local_mode_is_left_out_and_auto_means_restart",
    "common_root.no_local_address_translates_on_any_cpu",
)
OF_PRIVATE_ROOTS = (
    "mapping_audit.finds_a_writable_alias_in_the_window_of_one_cpu",
    "percpu.addresses_after_the_first_chunk_do_not_translate",
    "percpu.every_page_of_the_section_is_one_physical_page_at_both_addresses",
    "percpu_allocator.the_local_address_reaches_the_copy_of_the_calling_cpu",
    "percpu_mode.auto_chooses_restart_where_two_cpus_share_a_root_and_local_where_none_do",
    "percpu_mode.the_probe_finds_every_cpus_tlb_private",
    "percpu_mode.the_probe_sees_two_cpus_that_share_a_root",
    "ptdump.roots_differ_only_in_the_local_window_and_there_by_at_least_a_whole_unit",
    "roots.agree_with_the_master_in_every_entry_but_local_percpu",
    "roots.common_not_private_is_0_on_every_cpu",
    "roots.linked_window_has_the_descriptors_of_its_own_cpus_slab",
    "roots.local_addresses_do_not_translate_on_the_master_root",
    "roots.no_two_cpus_share_a_root",
    "roots.the_same_load_reads_another_cpus_copy_on_that_cpus_root",
    "roots.ttbr1_is_the_cpus_own_root_on_every_cpu",
    "vmap.one_address_can_map_another_page_in_each_root",
)
# Tests of memory that was held back at boot, and an argument that holds some back on a machine with 1 GiB.
OF_MEMORY_LATER = (
    "hot_memory.a_cpu_that_was_offline_reaches_memory_that_was_added_meanwhile",
    "hot_memory.a_removal_frees_every_table_that_the_memory_needed",
    "hot_memory.added_memory_can_be_allocated_and_is_counted",
    "hot_memory.comes_and_goes_beside_all_allocators_and_nothing_is_lost",
    "hot_memory.every_possible_cpu_has_the_roots_entries",
    "hot_memory.no_cpu_reaches_memory_that_is_gone",
    "hot_memory.pages_in_page_caches_are_free",
    "hot_memory.pages_in_use_keep_the_memory_and_are_counted",
    "hot_memory.wrong_ranges_are_refused_and_change_nothing",
)
MEMORY_LATER = "memory.later=256M@0x70000000"
# Tests that need memory in one piece: whether there is some depends on the tests that ran before.
OF_MEMORY_IN_ONE_PIECE = (
    "vmalloc_leaves.power_of_two_sizes_are_aligned_for_and_mapped_by_runs",
    "vmalloc_leaves.large_sizes_are_mapped_by_block_descriptors",
)
NOT_ON_THE_DEFAULT_MACHINE = (
    *OF_DEBUG_BUILDS,
    *OF_GUARDED_OBJECTS,
    *OF_SEVERAL_NODES,
    *OF_ENTRY_AT_EL2,
    *OF_EL2,
    *OF_WIDE_BLOCKS,
    *OF_RAM_ABOVE_512_GIB,
    *OF_NO_MAP_MEMORY,
    *OF_UNSPLITTABLE_BLOCKS,
    *OF_MAPPED_WINDOWS,
    *OF_COMMON_ROOT,
    *OF_MEMORY_LATER,
    *OF_MEMORY_IN_ONE_PIECE,
    *OF_PAGES,
)

NOT_WITH_A_COMMON_ROOT = tuple(
    test
    for test in (*NOT_ON_THE_DEFAULT_MACHINE, *OF_PRIVATE_ROOTS)
    if test not in (*OF_COMMON_ROOT, *OF_MEMORY_LATER)
)


@dataclass(frozen=True)
class Row:
    """One run. `checks` are names of checks in checks.py. `shows` are patterns, each of which a line of
    the output must match. A machine with `tree` gets a device tree of the tests (trees.py) instead of
    QEMU's. A machine with a tree is entered by loader.S: with `leftovers`, junk is in every register that the
    boot protocol leaves open; with `interrupts_left`, interrupts are pending and active; with `group_1`, a
    word of private interrupts for each CPU, firmware at EL3 has left only these to the kernel. QEMU has no
    PSCI then, so the tree is that of a spin table. With `penned_at_el1` the CPUs of a spin table wait at EL1,
    whatever the boot CPU's level. `damage` names what has happened to the Image (damage.py).
    With `loader`, the front door starts the kernel through that; with `card`, from the image of that name,
    which percival image makes for the board that it is named after.
    With `virtio_mem` the machine has a virtio-mem device of that size, and `resizes` are pairs of a pattern
    and a size in MiB: each time a line of the console matches the pattern, QEMU is asked for that size.
    `online` are the numbers of the CPUs that come up, if these are not all of QEMU's. `qemu` are arguments
    for QEMU. `must_run` are globs of self-tests that must not be skipped on the row's machine, but for those
    that `may_skip` names, which need another machine. The machine is booted `times` times, unless a boot
    fails. A row that `is_long` is not for every change: only `./percival test --long` runs it."""

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
    damage: str = ""
    loader: str = ""
    card: str = ""
    image_at: int = 0
    leftovers: bool = False
    penned_at_el1: bool = False
    virtio_mem: str = ""
    resizes: Tuple[Tuple[str, int], ...] = ()
    online: Tuple[int, ...] = ()
    qemu: Tuple[str, ...] = ()
    interrupts_left: bool = False
    group_1: Tuple[int, ...] = ()
    must_run: Tuple[str, ...] = ()
    may_skip: Tuple[str, ...] = ()
    times: int = 1
    is_long: bool = False

    @property
    def machine(self) -> str:
        """The value of QEMU's -machine. `virt` with virtualization enters the kernel at EL2; with secure
        firmware it starts at EL3, where loader.S is the firmware."""
        if self.board:
            return self.board
        levels = {1: "", 2: ",virtualization=on", 3: ",secure=on"}
        return f"virt,gic-version={self.gic}{levels[self.el]}"

    @property
    def boot_arguments(self) -> List[str]:
        """The arguments of `percival boot`."""
        return [
            *("--cpus", str(self.cpus), "--cpu", self.cpu, "--memory", self.memory),
            *("--machine", self.machine, "--preset", self.preset),
            *(["--loader", self.loader] if self.loader else []),
            *(["--icount"] if self.icount else []),
            *(["--virtio-mem", self.virtio_mem] if self.virtio_mem else []),
            *(["--append", self.append] if self.append and not self.card else []),
            *(["--timeout", str(self.boot_timeout_s)] if self.boot_timeout_s else []),
            *(["--append", f"selftest={','.join(FOR_MANY_CPUS)}"] if self.runs_what_many_cpus_can else []),
            *(f"--qemu-arg={argument}" for argument in self.qemu),
        ]

    @property
    def test_timeout_s(self) -> int:
        """The time after which ctest ends the row."""
        return LONG_TIMEOUT_S if self.is_long else TEST_TIMEOUT_S

    @property
    def boot_timeout_s(self) -> int:
        """The time after which the front door ends one boot; 0: the machine's default."""
        if self.times > 1:
            return SOAK_TIMEOUT_S
        return LONG_BOOT_TIMEOUT_S if self.is_long else 0

    @property
    def runs_what_many_cpus_can(self) -> bool:
        """Whether the row runs only the tests that take no longer with many CPUs. A row can choose other
        tests."""
        return self.cpus > MANY_CPUS and "selftest=" not in self.append

    def must_not_skip(self, test: str) -> bool:
        """Whether the self-test with that full name must not be skipped."""
        return any(fnmatchcase(test, glob) for glob in self.must_run) and test not in self.may_skip

    @property
    def cpus_online(self) -> List[int]:
        """The numbers of the CPUs that must come up."""
        return list(self.online or range(self.cpus))

    @property
    def host_threads(self) -> int:
        """The number of host CPUs that the row keeps busy: one per guest CPU, but only one in all under
        icount."""
        return 1 if self.icount else min(self.cpus, HOST_THREADS)
