# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of what the kernel takes from UEFI firmware."""

from __future__ import annotations

from mutant import on_host

OPTIONS = ("tests/host/boot/load_options_test.cpp", "boot/uefi/load_options.cpp")
MAP = (
    "tests/host/boot/memory_map_test.cpp",
    "boot/uefi/memory_map.cpp",
    "kernel/firmware/firmware_memory.cpp",
)

MUTANTS = (
    on_host(
        "uefi: the second half of a surrogate pair may be anything",
        "boot/uefi/load_options.cpp",
        "if (at + 1 == units || !is_low_surrogate(unit(at + 1)))",
        "if (at + 1 == units)",
        OPTIONS,
        "LoadOptions.*",
    ),
    on_host(
        "uefi: a low surrogate alone is a character",
        "boot/uefi/load_options.cpp",
        "} else if (is_low_surrogate(character)) {",
        "} else if (character == ~u32{0}) {",
        OPTIONS,
        "LoadOptions.*",
    ),
    on_host(
        "uefi: run-time services' memory is used",
        "boot/uefi/memory_map.cpp",
        "entry.type == kLoaderData || entry.type == kBootServicesCode ||",
        "entry.type == kLoaderData || entry.type == kBootServicesCode || entry.type == 6 ||",
        MAP,
        "UefiMemoryMap.*",
    ),
    on_host(
        "uefi: memory that cannot be cached is used",
        "boot/uefi/memory_map.cpp",
        "return is_free && (entry.attributes & kWriteBack) != 0;",
        "return is_free;",
        MAP,
        "UefiMemoryMap.*",
    ),
    on_host(
        "uefi: pieces that touch stay apart",
        "kernel/firmware/firmware_memory.cpp",
        "while (first < ranges_.size() && ranges_[first].end() < base)",
        "while (first < ranges_.size() && ranges_[first].end() <= base)",
        MAP,
        "FirmwareMemory.*",
    ),
    on_host(
        "uefi: a piece that finds no room is not counted",
        "kernel/firmware/firmware_memory.cpp",
        "            left_out_ += below;\n",
        "",
        MAP,
        "FirmwareMemory.*",
    ),
)
