# SPDX-License-Identifier: BSD-2-Clause
"""All mutants."""

from __future__ import annotations

import mutants_memory
import mutants_page_table
import mutants_percpu
import mutants_percpu_parts
import mutants_percpu_store
import mutants_roots

MUTANTS = (
    *mutants_page_table.MUTANTS,
    *mutants_memory.MUTANTS,
    *mutants_percpu_parts.MUTANTS,
    *mutants_percpu_store.MUTANTS,
    *mutants_percpu.MUTANTS,
    *mutants_roots.MUTANTS,
)
