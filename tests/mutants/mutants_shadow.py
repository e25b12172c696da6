# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the shadow of percpu memory. Boots of the preset shadow judge them, or its host tests."""

from __future__ import annotations

from mutant import by_shadow_boot, on_host

STATES = ("tests/host/percpu_shadow/shadow_states_test.cpp",)
PLACES = ("tests/host/percpu_shadow/shadow_places_test.cpp",)
MAPPED = "percpu.window=mapped"

MUTANTS = (
    by_shadow_boot(
        "percpu shadow: the hook of a mapping is left out",
        "mm/percpu_memory/pages.cpp",
        "        return shadow::note_mapped(root, {at, kPage}, page.shadow).has_value();",
        "        static_cast<void>(page.shadow);",
        "percpu_shadow_mapping.*",
    ),
    by_shadow_boot(
        "percpu shadow: the hook gets the wrong root",
        "mm/percpu_memory/pages.cpp",
        "        return shadow::note_mapped(root, {at, kPage}, page.shadow).has_value();",
        "        return shadow::note_mapped(master_root(), {at, kPage}, page.shadow).has_value();",
        "percpu_shadow_mapping.*",
        append=MAPPED,
    ),
    by_shadow_boot(
        "percpu shadow: the hook of an unmapping is left out",
        "mm/percpu_memory/pages.cpp",
        "                shadow::note_unmapped(cpu_root(cpu), local, batch);",
        "                shadow::flush_local(local, batch);",
        "percpu_shadow_mapping.*",
        append=MAPPED,
    ),
    by_shadow_boot(
        "percpu shadow: all windows show the shadow of CPU 0",
        "mm/roots/windows.cpp",
        "percpu::shadow::shadow_of(slab));",
        "percpu::shadow::shadow_of(\n"
        "                VirtRange{local_to_global(kWindow.base, kBootCpu), slab.size}));",
        "percpu_shadow*",
    ),
    by_shadow_boot(
        "percpu shadow: an allocation leaves the shadow as it is",
        "mm/percpu_report/allocations.hpp",
        "        allocate_object(local, size, rounded, fill);\n",
        "",
        "percpu_shadow.*",
    ),
    by_shadow_boot(
        "percpu shadow: a free leaves the shadow as it is",
        "mm/percpu_report/allocations.hpp",
        "        free_object(local);\n",
        "",
        "percpu_shadow.*",
    ),
    by_shadow_boot(
        "percpu shadow: an exchange is not checked",
        "arch/arm64/include/arch/percpu/ops.hpp",
        "inline T percpu_exchange(T* target, T operand)\n{\n"
        "    const ShadowedOperation shadowed{target, sizeof *target, PercpuAccess::Update};\n",
        "inline T percpu_exchange(T* target, T operand)\n{\n",
        "percpu_shadow.*",
    ),
    on_host(
        "percpu shadow: an object ends with its place",
        "mm/percpu_shadow/states.hpp",
        "rounded - size, value(State::Unallocated)",
        "rounded - size, value(fill)",
        STATES,
        "*",
    ),
    on_host(
        "percpu shadow: a free reaches into the next object",
        "mm/percpu_shadow/states.hpp",
        "while (last + 1 < limit && (load(last) & kEnd) == 0)",
        "while (last + 1 < limit)",
        STATES,
        "*",
    ),
    on_host(
        "percpu shadow: a write revives freed bytes",
        "mm/percpu_shadow/states.hpp",
        "if (static_cast<State>(found & kStateMask) == State::NeverWritten)",
        "if (static_cast<State>(found & kStateMask) != State::Unallocated)",
        STATES,
        "*",
    ),
    on_host(
        "percpu shadow: roots share the window of the shadow",
        "mm/address_space/layout.hpp",
        "return kHasShadow && index >= first_of_shadow",
        "return !kHasShadow && index >= first_of_shadow",
        PLACES,
        "*",
    ),
)
