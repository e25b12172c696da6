# SPDX-License-Identifier: BSD-2-Clause
"""Rows of machines whose memory comes and goes at run time, by a virtio-mem device that QEMU is asked to
resize."""

from __future__ import annotations

from typing import Tuple

from row import Row

IS_AWAY = r"^virtio-mem: 0 B requested, "
IS_ALL_GONE = r"^virtio-mem: 0 B requested, 0 B added$"
IS_ALL_THERE = r"^virtio-mem: 64 MiB requested, 64 MiB added$"
A_UNIT_STAYS = r"^virtio-mem: 0 B requested, {}iB added, 0 B spare: pages are in use, [1-9]\d* pages in use$"
TEST = "virtio_mem.memory_comes_and_goes_and_what_is_in_use_stays"
ON_DEMAND = (("^# virtio_mem: waits for memory$", 64), ("^# virtio_mem: holds a page of it$", 0))


def _follows(preset: str, memory: str, unit: str, size: str) -> Row:
    """A row whose self-test sees each step. `unit` is what comes and goes at once, of a region of `size`."""
    return Row(
        f"memory_follows_virtio_mem_with_{preset}",
        preset=preset,
        memory=memory,
        virtio_mem=size,
        append=f"selftest={TEST},roots.*",
        resizes=ON_DEMAND,
        must_run=(TEST,),
        shows=(
            IS_ALL_THERE,
            A_UNIT_STAYS.format(unit),
            IS_ALL_GONE,
            f"^virtio-mem: .* in units of {unit}iB$",
        ),
    )


VIRTIO_MEM: Tuple[Row, ...] = (
    _follows("4k-48", "128M", "4 M", "128M"),
    _follows("64k-48", "512M", "64 M", "256M"),
    # It comes and goes again and again, and what the allocators use stays.
    Row(
        "memory_comes_and_goes_under_the_allocators",
        memory="128M",
        virtio_mem="64M",
        append="selftest=percpu_hammer.*,vmalloc_hammer.*",
        resizes=((IS_AWAY, 64), (IS_ALL_THERE, 0)),
        shows=(IS_ALL_THERE, IS_AWAY),
    ),
    Row(
        "a_region_smaller_than_a_unit_is_left_alone",
        virtio_mem="2M",
        append=f"selftest={TEST},roots.*",
        shows=("^virtio-mem: the device at 1.0 has a region without a whole unit of the memory that ",),
    ),
)
