// SPDX-License-Identifier: BSD-2-Clause
#include "boot/uefi/acpi_choice.hpp"

#include <gtest/gtest.h>

#include <string>

namespace percival::boot::uefi {
namespace {

// "tree", "acpi", "acpi, else tree", or what is wrong.
std::string choice(std::string_view arguments, bool has_tree, bool has_acpi)
{
    const auto chosen = choose_description(arguments, has_tree, has_acpi);
    if (!chosen)
        return std::string{chosen.error()};
    return *chosen == Description::DeviceTree ? "tree"
           : *chosen == Description::Acpi     ? "acpi"
                                              : "acpi, else tree";
}

TEST(AcpiChoice, the_tree_counts_unless_an_argument_says_otherwise)
{
    for (const std::string_view arguments : {"", "x=1", "acpi", "acpi=perhaps", "acpi=on acpi=off"})
        EXPECT_EQ(choice(arguments, true, true), "tree") << arguments;
    EXPECT_EQ(choice("acpi=on", true, true), "acpi, else tree");
    EXPECT_EQ(choice("x acpi=force y", true, true), "acpi");
}

TEST(AcpiChoice, what_is_alone_is_taken_unless_that_is_forbidden)
{
    EXPECT_EQ(choice("", false, true), "acpi");
    EXPECT_EQ(choice("acpi=on", true, false), "tree");
    EXPECT_EQ(choice("acpi=off", false, true), "acpi=off, and the firmware has no device tree");
    EXPECT_EQ(choice("acpi=force", true, false), "acpi=force, and the firmware has no ACPI tables");
    EXPECT_EQ(choice("", false, false), "the firmware has neither a device tree nor ACPI tables");
}

} // namespace
} // namespace percival::boot::uefi
