# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the maintenance of caches: patched text, parked CPUs, boot records."""

from __future__ import annotations

from mutant import on_host

CACHES = (
    "tests/host/caches/image.cpp",
    "arch/arm64/cpu/cache.cpp",
)
TEXT = (
    "tests/host/caches/text_writer_test.cpp",
    "tests/host/caches/written_window.cpp",
    "arch/arm64/percpu_modes/alternatives.cpp",
    *CACHES,
)
PARKING = (
    "tests/host/caches/parking_test.cpp",
    "arch/arm64/devices/parking.cpp",
    *CACHES,
)
BOOT_RECORDS = (
    "tests/host/caches/boot_record_test.cpp",
    "tests/host/support/assembly_source.cpp",
    "arch/arm64/boot/boot_record.cpp",
    *CACHES,
)
CACHE = "arch/arm64/include/arch/cpu/cache.hpp"

MUTANTS = (
    on_host(
        "text: patched text stays in the data cache",
        CACHE,
        "    for_each_data_line(written, lines, clean_and_invalidate_line);\n",
        "",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: caches of instructions are filled before patched text is clean",
        CACHE,
        "    dsb<Shareability::InnerShareable>(); "
        "// instruction caches are filled with what was written\n",
        "",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: the old instruction stays in the caches",
        CACHE,
        "        invalidate_instruction_line(at.raw());\n",
        "        static_cast<void>(at);\n",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: nobody waits until the caches have lost the old instruction",
        CACHE,
        "    dsb<Shareability::InnerShareable>();\n    isb();\n",
        "    isb();\n",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: the CPU that patches executes what it fetched before",
        CACHE,
        "    isb();\n",
        "",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "text: the alias that was written is invalidated",
        "arch/arm64/percpu_modes/text_writer.hpp",
        "Bytes{sizeof(u32)}}, address_of(at));",
        "Bytes{sizeof(u32)}}, address_of(writable));",
        TEXT,
        "*every_cpu_fetches*",
    ),
    on_host(
        "parking: a CPU that parks again finds its old entry",
        "arch/arm64/devices/parking.cpp",
        "    write_to_memory(own.entry, 0);\n",
        "",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: an entry stays in the cache",
        "arch/arm64/devices/parking.cpp",
        "    std::atomic_ref{word}.store(value, std::memory_order_relaxed);\n"
        "    clean_and_invalidate_to_memory({address_of(&word), Bytes{sizeof word}});\n",
        "    std::atomic_ref{word}.store(value, std::memory_order_relaxed);\n",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: a cached word says whether a CPU is parked",
        "arch/arm64/devices/parking.cpp",
        "    clean_and_invalidate_to_memory({address_of(&word), Bytes{sizeof word}});\n    return",
        "    return",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: a CPU that was released counts as parked",
        "arch/arm64/devices/parking.cpp",
        "    write_to_memory(mailbox.is_parked, 0);\n",
        "",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "parking: no event wakes a parked CPU",
        "arch/arm64/devices/parking.cpp",
        "    send_event();\n",
        "",
        PARKING,
        "*a_cpu_parks*",
    ),
    on_host(
        "boot records: they stay in the cache",
        "arch/arm64/boot/boot_record.cpp",
        "    clean_and_invalidate_to_memory({address_of(records.data()), Bytes{records.size_bytes()}});\n",
        "",
        BOOT_RECORDS,
        "*EachCpuFindsItsOwnRecord*",
    ),
    on_host(
        "boot records: where they are stays in the cache",
        "arch/arm64/boot/boot_record.cpp",
        "    clean_and_invalidate_to_memory({address_of(&boot_records), Bytes{sizeof boot_records}});\n",
        "",
        BOOT_RECORDS,
        "*EachCpuFindsItsOwnRecord*",
    ),
    on_host(
        "boot records: nobody waits until they are in memory",
        CACHE,
        "    for_each_data_line(range, lines, clean_and_invalidate_line);\n"
        "    dsb<Shareability::FullSystem>();\n",
        "    for_each_data_line(range, lines, clean_and_invalidate_line);\n",
        BOOT_RECORDS,
        "*EachCpuFindsItsOwnRecord*",
    ),
)
