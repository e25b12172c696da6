// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/error.hpp"

namespace percival::boot::acpi {
namespace {

void put_hex(Writer& out, u64 value)
{
    out.put("0x");
    for_each_hex_digit(value, 1, [&out](char digit) { out.put(digit); });
}

} // namespace

void Error::describe(Writer& out) const
{
    out.put("ACPI: ");
    for (const char c : table)
        out.put(c >= ' ' && c <= '~' ? c : '?');
    out.put(": ");
    if (!entry.empty()) {
        out.put(entry);
        if (number) {
            out.put(" ");
            put_hex(out, *number);
        }
        out.put(": ");
    }
    if (!field.empty()) {
        out.put(field);
        out.put(": ");
    }
    out.put(problem);
    if (value) {
        out.put(" (");
        put_hex(out, *value);
        out.put(")");
    }
}

} // namespace percival::boot::acpi
