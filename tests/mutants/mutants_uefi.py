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
# What reads ACPI tables, without the tests.
READERS = (
    *("boot/acpi/error.cpp", "boot/acpi/machine_reader.cpp", "boot/acpi/madt.cpp", "boot/acpi/pptt.cpp"),
    *("boot/acpi/spcr.cpp", "boot/acpi/srat.cpp", "boot/acpi/tables.cpp"),
    *("kernel/uart/uart_table.cpp", "kernel/lib/format.cpp", "tests/host/uefi/acpi_builder.cpp"),
)
CONTROLLER = ("tests/host/uefi/acpi_test.cpp", *READERS)
CPUS = ("tests/host/uefi/acpi_cpus_test.cpp", *READERS)
DAMAGE = ("tests/host/uefi/acpi_damage_test.cpp", *READERS)

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
        "uefi: the registers of a device are read for a table",
        "boot/uefi/memory_map.cpp",
        "return entry.type != kUnusableMemory && entry.type != kMemoryMappedIo &&",
        "return entry.type != kUnusableMemory &&",
        MAP,
        "UefiMemoryMap.*",
    ),
    on_host(
        "uefi: a table may reach beyond the memory that it begins in",
        "boot/uefi/memory_map.cpp",
        "        if (found >= range.size)\n",
        "        if (found != Bytes{0})\n",
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
    on_host(
        "acpi: a CPU that is not enabled is one",
        "boot/acpi/madt.cpp",
        "        if (!cpu.is_enabled()) {",
        "        if (!cpu.is_enabled() && cpu.may_come_later()) {",
        CPUS,
        "AcpiCpus.a_cpu_that_is_not_enabled_is_none",
    ),
    on_host(
        "acpi: two CPUs have one MPIDR",
        "boot/acpi/madt.cpp",
        "return other.mpidr == mpidr; }",
        "return other.mpidr == mpidr && mpidr == 0; }",
        CPUS,
        "AcpiCpus.a_cpu_that_cannot_be_told_*",
    ),
    on_host(
        "acpi: mailboxes are not reserved",
        "boot/acpi/madt.cpp",
        "        return reserved.push({mailbox, true});",
        "        return reserved.size() < kMaxReservations;",
        CPUS,
        "AcpiCpus.without_psci_a_cpu_may_wait_*",
    ),
    on_host(
        "acpi: any version of the parking protocol is that of today",
        "boot/acpi/madt.cpp",
        "        if (cpu.parking_version() != kVersion)",
        "        if (cpu.parking_version() > kVersion + 1)",
        CPUS,
        "AcpiCpus.a_mailbox_that_cannot_be_is_named",
    ),
    on_host(
        "acpi: threads move without the number of their core",
        "boot/acpi/pptt.cpp",
        "        std::rotate(&cores[kept], &cores[next], &cores[next] + 1);\n",
        "",
        CPUS,
        "AcpiCpus.*",
    ),
    on_host(
        "acpi: the boot CPU stays where MADT has it",
        "boot/acpi/machine_reader.cpp",
        "        move_first(boot_mpidr, uids);\n",
        "",
        CPUS,
        "AcpiCpus.the_boot_cpu_comes_first_with_the_threads_of_its_core",
    ),
    on_host(
        "acpi: the boot CPU moves without its UID",
        "boot/acpi/machine_reader.cpp",
        "        std::rotate(uids.begin(), uids.begin() + at, uids.begin() + at + 1);\n",
        "",
        CPUS,
        "AcpiCpus.the_boot_cpu_comes_first_with_the_threads_of_its_core",
    ),
    on_host(
        "acpi: threads stay apart",
        "boot/acpi/pptt.cpp",
        "        while (next < uids.size() && cores[next] != cores[kept - 1])",
        "        while (next < uids.size() && next == kept)",
        CPUS,
        "AcpiCpus.the_threads_of_a_core_are_neighbours",
    ),
    on_host(
        "acpi: a GIC of a version to come is one of today",
        "boot/acpi/madt.cpp",
        "        if (version_ > kVersion4)",
        "        if (version_ > kVersion4 + 1)",
        CONTROLLER,
        "Acpi.values_that_are_not_possible_are_named",
    ),
    on_host(
        "acpi: the redistributors of a GICv4 are those of a GICv3",
        "boot/acpi/madt.cpp",
        "version_ == kVersion4 ? 4 : 2",
        "version_ == kVersion4 ? 2 : 2",
        CONTROLLER,
        "Acpi.the_redistributors_of_a_gic_v4_are_larger",
    ),
    on_host(
        "acpi: the width of a port's access is that of its registers",
        "boot/acpi/spcr.cpp",
        "at.access_bytes() != 0 ? at.access_bytes() : said",
        "said",
        CONTROLLER,
        "Acpi.a_16550_has_bytes_or_words",
    ),
    on_host(
        "acpi: ranges of two nodes overlap",
        "boot/acpi/srat.cpp",
        "return other.range.overlaps(range); }",
        "return other.range == range; }",
        CONTROLLER,
        "Acpi.values_that_are_not_possible_are_named",
    ),
    on_host(
        "acpi: a table whose bytes do not sum to 0 is read",
        "boot/acpi/tables.cpp",
        "    if (!table.sums_to_zero())\n",
        "    if (!table.sums_to_zero() && signature.empty())\n",
        DAMAGE,
        "AcpiDamage.a_wrong_checksum_or_length_is_named",
    ),
    on_host(
        "acpi: an old FADT speaks of PSCI",
        "boot/acpi/machine_reader.cpp",
        "    if (version < kVersion)",
        "    if (version < kVersion - 1)",
        DAMAGE,
        "AcpiDamage.a_revision_that_is_too_old_is_named",
    ),
    on_host(
        "acpi: a short entry for a CPU is read",
        "boot/acpi/madt.cpp",
        "        if (cpu.bytes.size() < Gicc::kLength)",
        "        if (cpu.bytes.size() < Gicc::kLength - 4)",
        DAMAGE,
        "AcpiDamage.an_entry_that_is_too_short_*",
    ),
    on_host(
        "acpi: a second table is not told of",
        "boot/acpi/machine_reader.cpp",
        "        if (found.has_second)",
        "        if (found.has_second && signature.empty())",
        DAMAGE,
        "AcpiDamage.a_second_table_or_distributor_*",
    ),
)
