// SPDX-License-Identifier: BSD-2-Clause
// Finds ACPI tables from the root pointer that the firmware names (ACPI Specification 6.5, 5.2.5 to 5.2.8).
// Every table that is returned is whole: its length is possible, and its checksum is right. Boot only; also
// on the host, where a test says what lies at an address.
#pragma once

#include "boot/acpi/error.hpp"
#include "boot/acpi/table_bytes.hpp"

namespace percival::boot::acpi {

inline constexpr std::size_t kTableHeader = 36;

// How physical memory is read: returns `size` bytes from `address`, or none if that is no memory.
struct Memory {
    std::span<const std::byte> (*read)(void* context, u64 address, std::size_t size);
    void* context;

    TableBytes at(u64 address, std::size_t size) const { return TableBytes{read(context, address, size)}; }
};

class Tables {
public:
    // Reads the root pointer at `address`.
    static Result<Tables> open(u64 address, Memory memory);

    struct Found {
        Result<TableBytes> table{}; // the first one; empty if there is none
        bool has_second{false};     // of those that the kernel reads there may be one
    };
    // Looks for the tables with that signature, such as "APIC".
    Found find(std::string_view signature) const;

    // Returns what the firmware's maker calls the machine: six and eight characters, which may be blanks.
    std::string_view maker() const { return roots_.text(10, 6); }
    std::string_view product() const { return roots_.text(16, 8); }

    // Return the error of a table that must be there and is not, and that of a second one.
    static Error missing(std::string_view signature);
    static Error doubled(std::string_view signature);

private:
    Tables(TableBytes roots, Memory memory) : roots_{roots}, memory_{memory} {}

    TableBytes roots_; // XSDT
    Memory memory_;
};

} // namespace percival::boot::acpi
