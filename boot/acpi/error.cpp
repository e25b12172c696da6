// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/error.hpp"

namespace percival::boot::acpi {
namespace {

void put_hex(Writer& out, u64 value)
{
    out.put("0x");
    u32 shift = 60;
    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    for (;; shift -= 4) {
        const char digit = static_cast<char>(value >> shift & 15);
        out.put(static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10));
        if (shift == 0)
            return;
    }
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
