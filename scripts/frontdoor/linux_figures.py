# SPDX-License-Identifier: BSD-2-Clause
"""The instructions that Linux needs for the same operations, by the names of Percival's benchmarks.

`percival bench --linux` measures them (linux_peer.py): on Debian's arm64 kernels, on 1 CPU, on the machine
and by the counter of Percival's benchmarks. What it measured last is stored here, for machines that cannot.
The preemptible kernel is the -rt one. It is the fair comparison, because Percival is preemptible.
A kernel gives the same figures each time, but a change of the module shifts those of allocators by up to 3 %.

Two kinds of figures are not measured by the module. `boot_to_selftest` is compared with Linux 6.12.117 from
its first kernel instruction to init on 1 GiB, without the boot-time crypto self-tests (1189 M and 1151 M with
them). The operations of Linux 7.4, which no package has yet, are counted in its sequences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, NamedTuple, Optional, Sequence

from frontdoor.linux_peer import PeerRun


class Figures(NamedTuple):
    """Instructions per operation: on the two kinds of kernels that are packaged, and in Linux 7.4."""

    preemptible: Optional[float] = None
    voluntary: Optional[float] = None
    counted: Optional[float] = None


TITLES = ("Linux preemptible", "Linux voluntary", "Linux 7.4, counted")


@dataclass(frozen=True)
class Linux:
    """Linux's figures, and where they are from."""

    source: str
    figures: Mapping[str, Figures]


# In a loop, with the thread pointer in a register; without that each is one more.
COUNTED = {
    "this_cpu_read": 5,
    "this_cpu_write": 5,
    "this_cpu_add": 6,
    "this_cpu_and": 6,
    "this_cpu_or": 6,
    "this_cpu_xchg": 6,
    "this_cpu_inc_return": 7,
    "this_cpu_cmpxchg": 7,
}
COUNTED_SOURCE = (
    "Linux 7.4: counted in its sequences, not measured, because no package has it yet; one more each where "
    "the thread pointer is not in a register"
)
NOT_BY_MODULE = {"boot_to_selftest": Figures(696_000_000, 656_000_000)}

STORED_DATE = "2026-11-30"
STORED_SOURCE = (
    f"Linux 6.12.117 (Debian, arm64), neoverse-n1, 1 CPU, same emulator and counter, stored on {STORED_DATE}"
)
_STORED: Dict[str, Figures] = {
    "this_cpu_add": Figures(15, 6),
    "this_cpu_read": Figures(11, 2),
    "this_cpu_write": Figures(11, 2),
    "this_cpu_inc_return": Figures(15, 6),
    "this_cpu_and": Figures(15, 6),
    "this_cpu_or": Figures(15, 6),
    "this_cpu_xchg": Figures(15, 6),
    "this_cpu_cmpxchg": Figures(15, 5),
    "raw_add": Figures(4, 4),
    "pin": Figures(9, 0),
    "pin_and_add": Figures(13, 4),
    "percpu_counter_add": Figures(59, 33),
    "percpu_counter_add_batch_32": Figures(59.87, 33.33),
    "percpu_counter_sum": Figures(113, 83),
    "percpu_ref_get_put": Figures(74, 18),
    "alloc_free_percpu_8": Figures(2046, 1908),
    "alloc_free_percpu_64": Figures(1810, 1548),
    "alloc_free_percpu_4096": Figures(4055, 2986),
    "vmalloc_vfree_1p": Figures(5854, 3868),
    "vmalloc_vfree_1p_deferred": Figures(668.09, 466.37),
    "vmalloc_vfree_16p": Figures(16580, 12186),
    "vmalloc_vfree_16p_deferred": Figures(1920, 1640.66),
    "vmalloc_vfree_1MiB": Figures(190028, 147417),
    "vmalloc_vfree_1MiB_deferred": Figures(1908.66, 1552.33),
    "vmap_vunmap_16p": Figures(5176, 4026),
    "vmap_vunmap_16p_deferred": Figures(658.5, 476.53),
    "alloc_free_page": Figures(1176, 875),
    "alloc_free_page_zeroed": Figures(1457, 1157),
    "alloc_free_block_16p": Figures(1441, 1402),
    "kmalloc_kfree_64": Figures(723, 252),
    "alloc_percpu_8_first_10000": Figures(1883.36, 1768.34),
    "free_percpu_8_first_10000": Figures(579.85, 445.51),
    "context_switch": Figures(1568.12, 1428.54),
}


def _with_others(measured: Mapping[str, Figures]) -> Dict[str, Figures]:
    names = dict.fromkeys([*measured, *COUNTED, *NOT_BY_MODULE])
    every = {**NOT_BY_MODULE, **measured}
    return {name: every.get(name, Figures())._replace(counted=COUNTED.get(name)) for name in names}


STORED = Linux(STORED_SOURCE, _with_others(_STORED))


def measured(runs: Sequence[PeerRun]) -> Linux:
    """Returns the figures of these runs. If there are two kernels of a kind, the first counts."""
    found: Dict[str, Figures] = {}
    for run in reversed(runs):
        for row in run.rows:
            name, value = str(row["name"]), float(row["instructions"])
            kind = "preemptible" if run.preemptible else "voluntary"
            found[name] = found.get(name, Figures())._replace(**{kind: value})
    releases = " and ".join(run.release for run in runs)
    others = ", ".join(name for name in NOT_BY_MODULE if name not in found)
    source = (
        f"Linux {releases} (Debian), neoverse-n1, 1 CPU, same emulator and counter, measured in this run "
        f"(but for {others}, which is stored)"
    )
    return Linux(source, _with_others(found))
