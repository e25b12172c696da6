// SPDX-License-Identifier: BSD-2-Clause
// Says what is wrong with the machine's ACPI tables, and where: "ACPI: APIC: GICC 3: MPIDR: another CPU has
// the same (0x80000002)". The texts are literals. Also on the host.
#pragma once

#include "kernel/lib/format.hpp"

#include <array>
#include <expected>
#include <optional>
#include <string_view>

namespace percival::boot::acpi {

struct Error {
    std::array<char, 4> table{}; // its signature
    std::string_view entry{};    // a kind of entry; empty: the table itself
    std::optional<u64> number{}; // of the entry
    std::string_view field{};    // may be empty
    std::string_view problem{};
    std::optional<u64> value{};

    void describe(Writer& out) const;
};

// Returns the error of a field of an entry.
constexpr Error wrong(std::string_view table, std::string_view entry, std::optional<u64> number,
                      std::string_view field, std::string_view problem,
                      std::optional<u64> value = std::nullopt)
{
    Error error{.entry = entry, .number = number, .field = field, .problem = problem, .value = value};
    for (std::size_t at = 0; at < error.table.size() && at < table.size(); ++at)
        error.table[at] = table[at];
    return error;
}

// Returns the error of a field of the table itself.
constexpr Error wrong(std::string_view table, std::string_view field, std::string_view problem,
                      std::optional<u64> value = std::nullopt)
{
    return wrong(table, "", std::nullopt, field, problem, value);
}

template <class T>
using Result = std::expected<T, Error>;

} // namespace percival::boot::acpi
