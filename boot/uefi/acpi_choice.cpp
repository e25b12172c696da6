// SPDX-License-Identifier: BSD-2-Clause
#include "boot/uefi/acpi_choice.hpp"

#include "kernel/boot_arguments/boot_arguments.hpp"

namespace percival::boot::uefi {

std::expected<Description, std::string_view> choose_description(std::string_view arguments, bool has_tree,
                                                                bool has_acpi)
{
    const AcpiChoice wanted = BootArguments{arguments}.choice(BootArgumentTable::kAcpi).value;
    if (wanted == AcpiChoice::Off) {
        if (has_tree)
            return Description::DeviceTree;
        return std::unexpected("acpi=off, and the firmware has no device tree");
    }
    if (wanted == AcpiChoice::Force) {
        if (has_acpi)
            return Description::Acpi;
        return std::unexpected("acpi=force, and the firmware has no ACPI tables");
    }
    if (has_acpi && !has_tree)
        return Description::Acpi;
    if (has_acpi && wanted == AcpiChoice::On)
        return Description::AcpiElseTree;
    if (has_tree)
        return Description::DeviceTree;
    return std::unexpected("the firmware has neither a device tree nor ACPI tables");
}

} // namespace percival::boot::uefi
