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

    // Returns the first table with that signature, such as "APIC"; an empty one if there is none.
    Result<TableBytes> find(std::string_view signature) const;

    // Returns how many tables have that signature. Of those that the kernel reads there may be one.
    std::size_t count(std::string_view signature) const;

    // Returns what the firmware's maker calls the machine: six and eight characters, which may be blanks.
    std::string_view maker() const { return roots_.text(10, 6); }
    std::string_view product() const { return roots_.text(16, 8); }

    // Return the error of a table that must be there and is not, and that of a second one.
    static Error missing(std::string_view signature);
    static Error doubled(std::string_view signature);

private:
    Tables(TableBytes roots, Memory memory) : roots_{roots}, memory_{memory} {}

    // Calls visit(address) for each table of that signature, until it returns false.
    template <class Visit>
    void for_each(std::string_view signature, Visit visit) const
    {
        for (std::size_t at = kTableHeader; roots_.has(at, 8); at += 8) {
            const u64 address = roots_.dword(at);
            if (memory_.at(address, kTableHeader).text(0, 4) == signature && !visit(address))
                return;
        }
    }

    TableBytes roots_; // XSDT
    Memory memory_;
};

} // namespace percival::boot::acpi
