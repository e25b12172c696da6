# SPDX-License-Identifier: BSD-2-Clause
"""All mutants."""

from __future__ import annotations

from typing import Dict, Tuple

import mutants_boot
import mutants_bring_up
import mutants_caches
import mutants_devices
import mutants_ends
import mutants_explored
import mutants_hot_memory
import mutants_instrument
import mutants_interrupt_controllers
import mutants_kernel_machine
import mutants_memory
import mutants_order
import mutants_page_table
import mutants_percpu
import mutants_percpu_parts
import mutants_percpu_store
import mutants_permissions
import mutants_roots
import mutants_scheduler
import mutants_set_memory
import mutants_shadow
import mutants_uefi
import mutants_values
import mutants_virtio
import mutants_waits
from mutant import Mutant

BY_FILE: Dict[str, Tuple[Mutant, ...]] = {
    f"{module.__name__}.py": module.MUTANTS
    for module in (
        mutants_boot,
        mutants_page_table,
        mutants_ends,
        mutants_memory,
        mutants_order,
        mutants_caches,
        mutants_devices,
        mutants_instrument,
        mutants_interrupt_controllers,
        mutants_explored,
        mutants_hot_memory,
        mutants_scheduler,
        mutants_kernel_machine,
        mutants_bring_up,
        mutants_percpu_parts,
        mutants_percpu_store,
        mutants_percpu,
        mutants_permissions,
        mutants_roots,
        mutants_set_memory,
        mutants_shadow,
        mutants_values,
        mutants_uefi,
        mutants_virtio,
        mutants_waits,
    )
}
MUTANTS: Tuple[Mutant, ...] = tuple(mutant for mutants in BY_FILE.values() for mutant in mutants)
