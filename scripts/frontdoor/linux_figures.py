# SPDX-License-Identifier: BSD-2-Clause
"""The instructions that Linux needs for the same operations, by the names of Percival's benchmarks.

Measured with Linux 6.12.117 as Debian packages it for arm64, on 1 CPU, under the same emulator and counter as
`percival bench` (QEMU, -icount shift=0, -cpu neoverse-n1, INST_RETIRED). The figures are medians of single
operations, without deferred work; the voluntary column is without page zeroing. The preemptible kernel is the
-rt one. It is the fair comparison, because Percival is preemptible. `boot_to_selftest` is compared with Linux
from its first kernel instruction to init on 1 GiB, without the boot-time crypto self-tests (1189 M and 1151 M
with them).
"""

from __future__ import annotations

from typing import Dict, NamedTuple


class Figures(NamedTuple):
    """Instructions per operation on the two Linux kernels."""

    preemptible: int
    voluntary: int


SOURCE = "Linux 6.12.117 (Debian, arm64), neoverse-n1, 1 CPU, same emulator and counter"

LINUX: Dict[str, Figures] = {
    "this_cpu_add": Figures(15, 6),
    "this_cpu_inc_return": Figures(15, 6),
    "this_cpu_xchg": Figures(15, 6),
    "this_cpu_read": Figures(11, 2),
    "this_cpu_write": Figures(11, 2),
    "this_cpu_cmpxchg": Figures(14, 5),
    "percpu_counter_add": Figures(65, 38),
    "alloc_free_percpu_8": Figures(1938, 1561),
    "alloc_free_percpu_64": Figures(1934, 1580),
    "alloc_free_percpu_4096": Figures(3838, 2727),
    "alloc_percpu_8_first_10000": Figures(1872, 1770),
    "free_percpu_8_first_10000": Figures(578, 450),
    "vmalloc_vfree_1p": Figures(6395, 3996),
    "vmalloc_vfree_16p": Figures(21998, 12242),
    "vmalloc_vfree_1MiB": Figures(274802, 147300),
    "vmap_vunmap_16p": Figures(5289, 4099),
    "alloc_free_page": Figures(1535, 892),
    "kmalloc_kfree_64": Figures(745, 236),
    "boot_to_selftest": Figures(696_000_000, 656_000_000),
}
