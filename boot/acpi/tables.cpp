// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/tables.hpp"

namespace percival::boot::acpi {
namespace {

// A table of tables or of thousands of CPUs is far smaller.
constexpr u32 kMaxTable = 1 << 20;

// Returns the whole table at `address`, whose signature the caller has read.
Result<TableBytes> whole_table(u64 address, std::string_view signature, Memory memory)
{
    const TableBytes header = memory.at(address, kTableHeader);
    const u32 size = header.word(4);
    if (size < kTableHeader || size > kMaxTable)
        return std::unexpected(wrong(signature, "length", "is not that of a table", size));
    const TableBytes table = memory.at(address, size);
    if (table.size() != size)
        return std::unexpected(wrong(signature, "length", "reaches beyond memory", size));
    if (!table.sums_to_zero())
        return std::unexpected(wrong(signature, "checksum", "is wrong", table.byte(9)));
    return table;
}

} // namespace

Error Tables::missing(std::string_view signature)
{
    return wrong(signature, "", "is missing");
}

Error Tables::doubled(std::string_view signature)
{
    return wrong(signature, "", "there is a second one, which is not used");
}

Result<Tables> Tables::open(u64 address, Memory memory)
{
    constexpr std::size_t kFirstPart = 20; // the pointer as ACPI 1.0 had it
    constexpr std::size_t kPointer = 36;
    constexpr u8 kRevision = 2; // with the address of an XSDT
    const TableBytes pointer = memory.at(address, kPointer);
    if (pointer.text(0, 8) != "RSD PTR ")
        return std::unexpected(wrong("RSDP", "signature", "is not that of a root pointer", address));
    if (pointer.byte(15) < kRevision)
        return std::unexpected(wrong("RSDP", "revision", "is older than ACPI 2.0", pointer.byte(15)));
    if (!pointer.part(0, kFirstPart).sums_to_zero() || !pointer.sums_to_zero())
        return std::unexpected(wrong("RSDP", "checksum", "is wrong", pointer.byte(8)));
    const u64 roots_at = pointer.dword(24);
    if (memory.at(roots_at, kTableHeader).text(0, 4) != "XSDT")
        return std::unexpected(wrong("RSDP", "XsdtAddress", "is not that of an XSDT", roots_at));
    const auto roots = whole_table(roots_at, "XSDT", memory);
    if (!roots)
        return std::unexpected(roots.error());
    if ((roots->size() - kTableHeader) % 8 != 0)
        return std::unexpected(wrong("XSDT", "length", "is not that of a list of addresses", roots->size()));
    return Tables{*roots, memory};
}

Tables::Found Tables::find(std::string_view signature) const
{
    Found found;
    bool is_first = true;
    for (std::size_t at = kTableHeader; roots_.has(at, 8); at += 8) {
        const u64 address = roots_.dword(at);
        if (memory_.at(address, kTableHeader).text(0, 4) != signature)
            continue;
        found.has_second = !is_first;
        if (found.has_second)
            break;
        found.table = whole_table(address, signature, memory_);
        is_first = false;
    }
    return found;
}

} // namespace percival::boot::acpi
