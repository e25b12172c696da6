# SPDX-License-Identifier: BSD-2-Clause
"""The boot matrix, as data: the machines on which the kernel is booted, and the expected results.

It is not the cross product. In PAIRS, every two values of different columns occur together in some row; a
test of the front door checks that. Each of the other rows tests a property of its own. Run as a program, this
module lists the rows for CMake: name, label, number of busy host threads, timeout in seconds.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Dict, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from row import (  # noqa: E402  (the path has to be set first)
    GEOMETRIES,
    MEMORY_LATER,
    NOT_ON_THE_DEFAULT_MACHINE,
    OF_DEBUG_BUILDS,
    OF_GUARDED_OBJECTS,
    OF_MEMORY,
    OF_MEMORY_LATER,
    OF_PAGES,
    OF_RAM_ABOVE_512_GIB,
    OF_REPAINT,
    OF_SEVERAL_NODES,
    TWO_NODES,
    OF_UNSPLITTABLE_BLOCKS,
    OF_WIDE_BLOCKS,
    Row,
)
from rows_boards import BOARD_ROWS  # noqa: E402
from rows_el2 import EL2  # noqa: E402
from rows_ends import ENDS  # noqa: E402
from rows_features import FEATURES  # noqa: E402
from rows_hot_memory import HOT_MEMORY  # noqa: E402
from rows_images import IMAGES  # noqa: E402
from rows_loaders import LOADERS  # noqa: E402
from rows_long import LONG  # noqa: E402
from rows_percpu import MODES, WINDOWS  # noqa: E402
from rows_probes import PROBES  # noqa: E402
from rows_shadow import SHADOW  # noqa: E402
from rows_trees import RAM_ABOVE_512_GIB, TREES  # noqa: E402
from rows_uefi import UEFI  # noqa: E402
from rows_uefi_media import UEFI_MEDIA  # noqa: E402
from rows_virtio_mem import VIRTIO_MEM  # noqa: E402

COLUMNS = ("cpus", "cpu", "gic", "el", "memory", "icount", "preset")
N, Y = False, True
PAIRS: Tuple[Tuple[int, str, int, int, str, bool, str], ...] = (
    (1, "cortex-a53", 2, 1, "1G", N, "4k-48"),
    (1, "cortex-a72", 2, 2, "8G", N, "4k-48"),
    (1, "max", 3, 1, "128M", Y, "debug"),
    (1, "neoverse-n1", 2, 1, "8G", N, "debug"),
    (2, "cortex-a53", 3, 1, "1G", Y, "4k-48"),
    (2, "cortex-a72", 3, 2, "1G", Y, "4k-48"),
    (2, "max", 2, 2, "128M", N, "4k-48"),
    (2, "neoverse-n1", 3, 1, "8G", N, "debug"),
    (4, "cortex-a53", 2, 2, "8G", Y, "4k-48"),
    (4, "cortex-a72", 3, 2, "128M", N, "4k-48"),
    (4, "max", 2, 1, "1G", Y, "4k-48"),
    (4, "neoverse-n1", 3, 1, "1G", N, "debug"),
    (8, "cortex-a53", 3, 2, "128M", Y, "debug"),
    (8, "cortex-a72", 3, 1, "1G", N, "4k-48"),
    (8, "max", 2, 1, "8G", Y, "4k-48"),
    (8, "neoverse-n1", 2, 2, "128M", Y, "4k-48"),
    (64, "cortex-a53", 3, 2, "1G", N, "debug"),
    (64, "cortex-a72", 3, 2, "128M", N, "debug"),
    (64, "max", 3, 1, "1G", N, "4k-48"),
    (64, "neoverse-n1", 3, 1, "8G", Y, "4k-48"),
)


def _pair_row(values: Tuple[int, str, int, int, str, bool, str]) -> Row:
    cpus, cpu, gic, el, memory, icount, preset = values
    extras = ("_icount" if icount else "") + ("_debug" if preset == "debug" else "")
    name = f"passes_on_{cpus}_cpus_{cpu}_gicv{gic}_el{el}_{memory}{extras}"
    row = Row(name, cpus, cpu, gic, el, memory, icount, preset)
    if preset != "debug" or row.runs_what_many_cpus_can:
        return row
    return replace(row, must_run=OF_DEBUG_BUILDS)


# The node of CPU 0 has no memory.
A_NODE_WITHOUT_MEMORY = (
    *("-object", "memory-backend-ram,id=m0,size=512M", "-object", "memory-backend-ram,id=m1,size=512M"),
    *("-numa", "node,nodeid=0,memdev=m0,cpus=1", "-numa", "node,nodeid=1,memdev=m1,cpus=2-3"),
    *("-numa", "node,nodeid=2,cpus=0"),
)

OTHERS: Tuple[Row, ...] = (
    Row(
        "passes_on_the_default_machine",
        must_run=("*",),
        may_skip=NOT_ON_THE_DEFAULT_MACHINE,
        shows=(
            r"^Percival [0-9.]+, commit ([0-9a-f]{12}\+?|unknown), preset 4k-48$",
            "^tlb: invalidation by range; leaves in use change their size live$",
        ),
    ),
    Row("passes_on_160_cpus", cpus=160, memory="2G"),
    Row("passes_twice_in_a_row", cpus=2, append="selftest.repeat=2", checks=("repeated_report", "summary")),
    *(
        Row(
            f"passes_with_{preset}",
            preset=preset,
            append=MEMORY_LATER,
            must_run=(*OF_WIDE_BLOCKS, *OF_MEMORY_LATER) if preset.endswith("-52") else OF_MEMORY_LATER,
        )
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
    Row(
        "dumps_the_folded_linear_map_by_its_name",
        preset="4k-52",
        cpu="neoverse-n1",
        append="ptdump selftest=ptdump.*",
        shows=("^ptdump: linear map +V:0xffff0",),
    ),
    Row(
        "waits_for_consecutive_breaks_of_live_entries",
        append="selftest=spurious_fault.consecutive_breaks_are_waited_for",
    ),
    Row(
        "passes_with_guarded_objects",
        append="objects.guard selftest=guarded_objects.*,small_objects.*,memory_hammer.*,vmalloc.*,vmap.*",
        must_run=OF_GUARDED_OBJECTS,
        shows=("^objects: guarded, up to 16384 at a time$",),
    ),
    Row(
        "set_memory_keeps_blocks_that_a_cpu_cannot_split",
        cpus=2,
        cpu="neoverse-n1",
        append="linear=blocks selftest=set_memory.*",
        must_run=OF_UNSPLITTABLE_BLOCKS,
    ),
    Row("passes_with_a_linear_map_of_pages", append=f"linear=pages {OF_MEMORY}"),
    Row(
        "repaints_the_linear_map_for_a_cpu_that_does_not_split_live",
        append=f"cpufeature.mask=cpu2:bbm {OF_REPAINT}",
        shows=("^linear map: repainted with pages for cpu2: [0-9]+ blocks, 4 TLBIs, ",),
        must_run=OF_PAGES,
    ),
    # Blocks of the linear map stand in the root, so in every root.
    Row(
        "repaints_the_linear_map_in_every_root",
        preset="64k-42",
        memory="4G",
        append=f"cpufeature.mask=cpu2:bbm {OF_REPAINT}",
        shows=("^linear map: repainted with pages for cpu2: [0-9]+ blocks, ",),
        must_run=OF_PAGES,
    ),
    # Nothing that a CPU lacks needs to stay out: the repaint is done when cpu3 comes.
    Row(
        "repaints_the_linear_map_before_a_later_cpu_that_does_not_split_live_either",
        append=f"cpus.later=cpu3 cpufeature.mask=cpu2:bbm,cpu3:bbm {OF_REPAINT}",
        shows=(
            "^linear map: repainted with pages for cpu2: [0-9]+ blocks, 4 TLBIs, ",
            "^cpu3: came later$",
        ),
        must_run=OF_PAGES,
    ),
    # Each instruction takes 128 ns, so that the limit of 20 seconds is soon over.
    Row(
        "panics_if_a_cpu_does_not_leave_its_root_for_a_repaint",
        append="selftest=repaint.a_cpu_that_does_not_leave_its_root_is_named_by_a_panic",
        icount=True,
        qemu=("-icount", "shift=7"),
        exit_code=2,
        checks=("panic_report",),
        shows=("^panic: cpu1: does not answer: it should leave its root table for a change$",),
    ),
    Row(
        "maps_ram_by_pages_if_the_boot_cpu_does_not_split_live",
        append=f"cpufeature.mask=cpu0:bbm {OF_REPAINT}",
        must_run=OF_PAGES,
    ),
    Row(
        "repaints_all_ram_and_changes_none_of_it",
        append="selftest=repaint.every_page_of_ram_is_as_it_was_and_a_page_on_each_cpu",
        must_run=("repaint.every_page_of_ram_is_as_it_was_and_a_page_on_each_cpu",),
    ),
    Row(
        "repaints_while_a_cpu_comes_and_goes",
        append="selftest=repaint.succeeds_while_a_cpu_comes_and_goes",
        must_run=("repaint.succeeds_while_a_cpu_comes_and_goes",),
    ),
    Row(
        "keeps_blocks_without_memory_for_a_repaint",
        append="selftest=repaint.without_memory_for_the_tables_the_linear_map_stays_as_it_is",
        must_run=("repaint.without_memory_for_the_tables_the_linear_map_stays_as_it_is",),
    ),
    Row(
        "passes_with_16k-47_and_a_linear_map_of_pages",
        preset="16k-47",
        memory="8G",
        append=f"linear=pages {OF_MEMORY}",
    ),
    Row(
        "passes_with_two_numa_nodes",
        append=OF_MEMORY,
        qemu=TWO_NODES,
        must_run=OF_SEVERAL_NODES,
    ),
    Row(
        "passes_with_a_numa_node_without_memory",
        append="selftest=numa.*,page_allocator.*,percpu.*",
        qemu=A_NODE_WITHOUT_MEMORY,
        must_run=OF_SEVERAL_NODES,
    ),
    Row(
        "passes_with_64k-42_and_more_memory_than_addresses",
        preset="64k-42",
        memory="8G",
        append="selftest=vmalloc*,vmap.*",
        shows=(r"ok \d+ all_memory_can_be_allocated_and_freed$",),
    ),
    Row("passes_with_64_GiB", cpus=2, memory="64G", append=OF_MEMORY),
    Row("passes_with_640_GiB", memory="640G", append=OF_MEMORY, must_run=OF_RAM_ABOVE_512_GIB),
    Row(
        "passes_with_4k-52_and_a_block_of_512_GiB",
        preset="4k-52",
        memory="1100G",
        append=f"ptdump {OF_MEMORY}",
        shows=(RAM_ABOVE_512_GIB, r"^ptdump: linear map .* 512 GiB P:0x8000000000 level 0 blocks "),
    ),
    Row(
        "lists_the_areas_of_all_regions",
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
)

BY_FILE: Dict[str, Tuple[Row, ...]] = {
    "matrix.py": tuple(map(_pair_row, PAIRS)) + OTHERS,
    "rows_boards.py": BOARD_ROWS,
    "rows_features.py": FEATURES,
    "rows_images.py": IMAGES,
    "rows_el2.py": EL2,
    "rows_ends.py": ENDS,
    "rows_hot_memory.py": HOT_MEMORY,
    "rows_loaders.py": LOADERS,
    "rows_long.py": LONG,
    "rows_percpu.py": WINDOWS + MODES,
    "rows_probes.py": PROBES,
    "rows_shadow.py": SHADOW,
    "rows_trees.py": TREES,
    "rows_uefi.py": UEFI,
    "rows_uefi_media.py": UEFI_MEDIA,
    "rows_virtio_mem.py": VIRTIO_MEM,
}
ROWS: Tuple[Row, ...] = tuple(row for rows in BY_FILE.values() for row in rows)
BY_NAME: Dict[str, Row] = {row.name: row for row in ROWS}


def main() -> None:
    """Lists the rows for CMake."""
    for row in ROWS:
        label = "long" if row.is_long else "boot"
        print(f"{row.name} {label} {row.host_threads} {row.test_timeout_s}")


if __name__ == "__main__":
    main()
