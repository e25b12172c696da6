// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/error.hpp"

#include "kernel/lib/printable.hpp"

namespace percival::boot::acpi {

void Error::describe(Writer& out) const
{
    out.put("ACPI: ");
    for (const char c : table)
        out.put(printable_or_mark(c));
    out.put(": ");
    if (!entry.empty()) {
        out.put(entry);
        if (number) {
            out.put(" ");
            put_hex(out, *number, 1);
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
        put_hex(out, *value, 1);
        out.put(")");
    }
}

} // namespace percival::boot::acpi
