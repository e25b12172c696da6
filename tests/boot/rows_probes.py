# SPDX-License-Identifier: BSD-2-Clause
"""Rows about the probes: what they find on this emulator, and what they find when a step is broken on
purpose."""

from __future__ import annotations

from typing import Tuple

from row import Row

FEW = "probe.tries=16"

PROBES: Tuple[Row, ...] = (
    Row(
        "probes_find_private_tlbs_complete_tlbis_and_nothing_forbidden",
        append=f"probe {FEW}",
        checks=("summary",),
        shows=(
            r'^probe: {"probe":"tlbs","cpu":3,"reads":[1-9]\d*,"beside":\[2,1,0\],"wrong":\[0,0,0\]}$',
            r'^probe: {"probe":"completion","form":"once","pairs":4,"tries":16,"stale":0}$',
            r'^probe: {"probe":"completion","form":"repeated","pairs":4,"tries":16,"stale":0}$',
            r'^probe: {"probe":"litmus","shape":"MP.RTreuse\S+","verdict":"forbidden",.*"fault":16}$',
            "^probe: tlbs: as on an emulator: QEMU's TCG has a TLB for each CPU",
        ),
    ),
    Row(
        "probes_find_two_cpus_on_one_root",
        append="probe=tlbs probe.fault=root",
        exit_code=1,
        checks=("summary",),
        shows=(
            r"^probe: tlbs: NOT PRIVATE: cpu1 read another CPU's page beside cpu0, [1-9]",
            r'^probe: {"probe":"tlbs","cpu":0,.*"wrong":\[0,0,0\]}$',
        ),
    ),
    Row(
        "probes_find_a_tlbi_left_out",
        append=f"probe=completion,litmus probe.fault=tlbi {FEW}",
        exit_code=1,
        checks=("summary",),
        shows=(
            "^probe: completion: OLD PAGE SEEN after TLBI and DSB, repeated: in [1-9]",
            r"^probe: litmus: FORBIDDEN and seen: MP.RTreuse\S+: reused in [1-9]",
        ),
    ),
    Row(
        "probes_and_walks_say_what_one_root_cannot_show",
        cpus=2,
        cpu="neoverse-n1",
        icount=True,
        append="roots=common percpu=restart probe=tlbs bench=walk_*_1024",
        checks=("summary",),
        shows=(
            "^probe: tlbs: not probed: all CPUs are on one root",
            "^instrument: walk_local_1024: not measured: all CPUs are on one root$",
            '^bench: {"name":"walk_global_1024","mode":"-","roots":"common",',
        ),
    ),
)
