// SPDX-License-Identifier: BSD-2-Clause
// Reads ACPI tables as the stub does, and keeps what is said about them.
#pragma once

#include "boot/acpi/machine_reader.hpp"
#include "boot/uefi/firmware.hpp"
#include "tests/host/uefi/acpi_builder.hpp"

#include <memory>
#include <string>

namespace percival::testing {

inline std::string describe(const boot::acpi::Error& error)
{
    std::array<char, boot::uefi::Firmware::kText> room;
    Writer out{room};
    error.describe(out);
    return std::string{out.text()} + (out.truncated() ? " (truncated)" : "");
}

struct AcpiReading {
    explicit AcpiReading(AcpiTables& tables, u64 boot_mpidr = 0)
    {
        const auto note = [](void* self, const boot::acpi::Error& error) {
            static_cast<AcpiReading*>(self)->notes += describe(error) + "\n";
        };
        const auto opened = boot::acpi::Tables::open(tables.root_pointer(), tables.memory());
        const auto read = opened ? boot::acpi::read_machine(*opened, *machine, boot_mpidr, {note, this})
                                 : std::unexpected(opened.error());
        if (!read)
            sentence = describe(read.error());
    }
    explicit AcpiReading(AcpiTables&& tables, u64 boot_mpidr = 0) : AcpiReading{tables, boot_mpidr} {}

    std::unique_ptr<MachineDescription> machine = std::make_unique<MachineDescription>();
    std::string sentence; // the error, or empty
    std::string notes;    // a line for each
};

inline AcpiReading read(const AcpiMachine& machine, u64 boot_mpidr = 0)
{
    return AcpiReading{AcpiTables{machine}, boot_mpidr};
}

// Reads the tables after a change of a byte of one of them, whose checksum is right again.
inline AcpiReading read_changed(std::string_view signature, std::size_t offset, u8 byte,
                                const AcpiMachine& machine = {})
{
    AcpiTables tables{machine};
    tables.table(signature)[offset] = std::byte{byte};
    tables.fix(signature);
    return AcpiReading{tables};
}

} // namespace percival::testing
