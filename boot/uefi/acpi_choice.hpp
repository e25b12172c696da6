// SPDX-License-Identifier: BSD-2-Clause
// Decides between the firmware's device tree and its ACPI tables, as Linux does for the boot argument acpi=
// (Documentation/admin-guide/kernel-parameters.txt). Also on the host.
#pragma once

#include <expected>
#include <string_view>

namespace percival::boot::uefi {

// AcpiElseTree: the tree counts if the tables have a fault with which the machine cannot start.
enum class Description : unsigned char { DeviceTree, Acpi, AcpiElseTree };

// Without an argument, or with another one, the tree counts if there is one. acpi=on tries the tables first,
// acpi=force takes nothing else, and acpi=off takes the tree alone. The last argument counts. The error is a
// sentence: there is no description that the argument allows. A tree that describes no machine is none
// (boot/flat_tree/stub_tree.hpp).
std::expected<Description, std::string_view> choose_description(std::string_view arguments, bool has_tree,
                                                                bool has_acpi);

} // namespace percival::boot::uefi
