// SPDX-License-Identifier: BSD-2-Clause
// Tests at which exception level the kernel runs.
#include "boot/level_choice.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"

#include <gtest/gtest.h>

namespace percival::boot {
namespace {

constexpr EntryFacts kAtEl2WithVhe{.entered_at_el2 = true, .has_vhe = true};

TEST(LevelChoice, IsEl2OnlyWhereItIsAskedForAndPossible)
{
    EXPECT_EQ(level_of_kernel(LevelChoice::El2, kAtEl2WithVhe), kAtEl2);
    EXPECT_EQ(level_of_kernel(LevelChoice::El1, kAtEl2WithVhe), kAtEl1);
    EXPECT_EQ(level_of_kernel(LevelChoice::El2, {.entered_at_el2 = false, .has_vhe = true}), kAtEl1);
    EXPECT_EQ(level_of_kernel(LevelChoice::El2, {.entered_at_el2 = true, .has_vhe = false}), kAtEl1);
}

TEST(LevelChoice, ThatCannotBeMetHasAReason)
{
    EXPECT_EQ(reason_against_el2(kAtEl2WithVhe), "");
    EXPECT_EQ(reason_against_el2({.entered_at_el2 = false, .has_vhe = false}), "the loader entered at EL1");
    EXPECT_EQ(reason_against_el2({.entered_at_el2 = true, .has_vhe = false}), "the boot CPU lacks FEAT_VHE");
}

LevelChoice asked(std::string_view arguments)
{
    return BootArguments{arguments}.choice(BootArgumentTable::kEl).value;
}

TEST(LevelChoice, IsTheLastOneGivenAndEl1ByDefault)
{
    EXPECT_EQ(asked(""), LevelChoice::El1);
    EXPECT_EQ(asked("bench el=2"), LevelChoice::El2);
    EXPECT_EQ(asked("el=2 el=1"), LevelChoice::El1);
    EXPECT_EQ(asked("el=3"), LevelChoice::El1);
    EXPECT_EQ(asked("el=2el"), LevelChoice::El1);
}

} // namespace
} // namespace percival::boot
