// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the reader of ACPI tables. An input is a list of tables, each as long as its header says; the last
// one takes what is left. For seven inputs in eight, lengths and checksums are made right, so that damage
// goes deeper than these. The tree that is made of an accepted description must be read back equal by the
// kernel's own reader, and every sentence must fit into its room.
#include "tests/fuzz/broken_invariant.hpp"
#include "tests/host/uefi/acpi_by_tree.hpp"
#include "tests/host/uefi/acpi_reading.hpp"

#include <algorithm>

using namespace percival;
using namespace percival::testing;

namespace {

using boot::acpi::kTableHeader;
using boot::acpi::TableBytes;

constexpr std::size_t kMostTables = 16;

// Takes the first table off the bytes.
std::vector<std::byte> next_table(std::span<const std::byte>& bytes, bool is_repaired)
{
    const std::size_t said = bytes.size() < kTableHeader ? bytes.size() : TableBytes{bytes}.word(4);
    const std::size_t size = std::clamp(said, std::min(kTableHeader, bytes.size()), bytes.size());
    std::vector<std::byte> table(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    bytes = bytes.subspan(size);
    if (!is_repaired || size < kTableHeader)
        return table;
    for (std::size_t at = 0; at < 4; ++at)
        table[4 + at] = static_cast<std::byte>(size >> (8 * at));
    make_sum_zero(table);
    return table;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const bool is_repaired = data[0] % 8 != 0;
    std::span bytes = std::as_bytes(std::span{data + 1, size - 1});
    std::vector<std::vector<std::byte>> list;
    while (!bytes.empty() && list.size() < kMostTables)
        list.push_back(next_table(bytes, is_repaired));
    AcpiTables tables{list};
    const AcpiReading reading{tables};
    const std::string said = reading.sentence + reading.notes;
    demand(!said.contains("truncated"), "a sentence does not fit");
    if (!reading.sentence.empty())
        return 0;
    stop_at(wrong_by_a_tree(*reading.machine));
    return 0;
}
