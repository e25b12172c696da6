// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the reader of ACPI tables. An input is a list of tables, each with the length that its header has;
// what is left is the last one. Where they are no whole tables they are repaired, but for one input in a few,
// so that damage goes deeper than lengths and checksums. A description that is accepted makes a tree that the
// kernel's own reader reads back equal, and a sentence that is too long is a crash, too.
#include "tests/fuzz/broken_invariant.hpp"
#include "tests/host/uefi/acpi_by_tree.hpp"
#include "tests/host/uefi/acpi_reading.hpp"

#include <algorithm>

using namespace percival;
using namespace percival::testing;

namespace {

constexpr std::size_t kHeader = 36;
constexpr std::size_t kMostTables = 16;

// Returns the length that the header of a table has.
std::size_t length_of(std::span<const std::byte> table)
{
    std::size_t length = 0;
    for (std::size_t at = 8; at-- > 4;)
        length = length << 8 | std::to_integer<std::size_t>(table[at]);
    return length;
}

// Takes the first table off the bytes.
std::vector<std::byte> next_table(std::span<const std::byte>& bytes, bool is_repaired)
{
    const std::size_t said = bytes.size() < kHeader ? bytes.size() : length_of(bytes);
    const std::size_t size = std::clamp(said, std::min(kHeader, bytes.size()), bytes.size());
    std::vector<std::byte> table(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    bytes = bytes.subspan(size);
    if (!is_repaired || size < kHeader)
        return table;
    for (std::size_t at = 0; at < 4; ++at)
        table[4 + at] = static_cast<std::byte>(size >> (8 * at));
    u32 sum = 0;
    for (const std::byte byte : table)
        sum += std::to_integer<u32>(byte);
    table[9] = static_cast<std::byte>(std::to_integer<u32>(table[9]) - sum);
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
    const PhysRange memory{PhysAddr{0x4000'0000}, Bytes{0x2000'0000}};
    const auto tree = through_a_tree(*reading.machine, {&memory, 1});
    stop_at(tree->violation);
    stop_at(tree->sentence);
    stop_at(difference(*reading.machine, *tree->machine));
    return 0;
}
