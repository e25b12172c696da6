# SPDX-License-Identifier: BSD-2-Clause
"""Rows about CPUs that differ in their features, at boot and later."""

from __future__ import annotations

from typing import Tuple

from row import Row

# Tests that depend on the features that all CPUs have, and on CPUs that come.
OF_FEATURES = "selftest=cpu_features.*,hotplug.*,page_table.*,this_cpu.*,percpu.*"

FEATURES: Tuple[Row, ...] = (
    Row(
        "what_the_boot_cpu_lacks_is_not_used",
        append=f"cpufeature.mask=cpu0:bbm,tlbirange {OF_FEATURES}",
        must_run=("cpu_features.*",),
        shows=(
            "^features: lse cnp bti pauth pmuv3 parange=52; atomics: LSE$",
            "^features: lacking bbm: 1 of 4 CPUs, first cpu0$",
            "^tlb: invalidation page by page; leaves in use change their size by break-before-make$",
        ),
    ),
    Row(
        "what_one_cpu_lacks_is_not_used_and_one_without_pauth_is_left_out",
        append=f"cpufeature.mask=cpu1:bbm,lse,cpu3:pauth cpufeature.force=cpu1:lse {OF_FEATURES}",
        online=(0, 1, 2),
        must_run=("cpu_features.*",),
        shows=(
            "^boot argument cpufeature.force=cpu1:lse: lse cannot be forced, its instructions would be "
            "undefined; it is ignored$",
            "^cpu3: refused, because it lacks pauth, left out$",
            "^features: cnp bti pauth tlbirange pmuv3 parange=52; atomics: LL/SC$",
            "^features: lacking lse: 1 of 3 CPUs, first cpu1$",
            "^tlb: invalidation by range; leaves in use change their size by break-before-make$",
        ),
    ),
    Row(
        "what_is_forced_on_all_cpus_is_used",
        cpus=2,
        cpu="cortex-a72",
        append=f"cpufeature.force=cpu0:bbm,cpu1:bbm,repeattlbi {OF_FEATURES}",
        must_run=("cpu_features.*",),
        shows=("^tlb: invalidation page by page, each flush twice for cpu1, .*; leaves .* size live$",),
    ),
    Row(
        "a_later_cpu_without_bbm_is_refused_by_name_and_another_one_comes",
        append=f"cpus.later=cpu2,cpu3 cpufeature.mask=cpu2:bbm {OF_FEATURES}",
        online=(0, 1, 3),
        must_run=("cpu_features.*", "hotplug.*"),
        may_skip=("hotplug.a_minute_of_random_hotplug",),
        shows=(
            "^cpu2: refused, because it lacks bbm, left out$",
            "^cpu3: came later$",
            "^tlb: .*; leaves in use change their size live$",
        ),
    ),
)
