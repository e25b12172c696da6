// SPDX-License-Identifier: BSD-2-Clause
// kernel/percpu/add_form.cpp on the machine, where adds take the time that the test says.
#include "kernel/percpu/add_form.hpp"

#include "kernel/sched/timers.hpp"
#include "kernel_machine/support/kernel.hpp"
#include "kernel_machine/support/percpu_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace percival::testing {
namespace {

using arch::AddForm;
using Rounds = std::array<u64, kRoundsOfAdds>;

constexpr std::string_view kTooSlow = "the timer is too slow to measure them";
constexpr std::string_view kNoOther = "measured: no other takes half its time";
constexpr std::string_view kHalf = "measured: at most half the time of ldadd";

void expect_choice(const AddChoice& found, AddForm form, std::string_view why)
{
    expect_equal(static_cast<u64>(found.form), static_cast<u64>(form), "the form");
    expect(found.why == why, "the reason");
}

std::string measured(u64 ldadd, u64 stadd, u64 llsc)
{
    return "percpu: 1000 adds take " + std::to_string(ldadd) + " timer ticks by ldadd, " +
           std::to_string(stadd) + " by stadd, " + std::to_string(llsc) + " by llsc";
}

// Measures adds that take so long in each round, and expects the choice.
std::string chooses(u64 ldadd, u64 stadd, u64 llsc, AddForm form, std::string_view why)
{
    return run_kernels(1, 2, [&] {
        percpu_text.counts_of_adds = {Rounds{ldadd, ldadd, ldadd}, {stadd, stadd, stadd}, {llsc, llsc, llsc}};
        const u64 before = now();
        expect_choice(choose_add_form(BootArguments{""}), form, why);
        expect_equal(now() - before, 3 * (ldadd + stadd + llsc), "the time of all rounds");
        for (const u32 adds : percpu_text.adds)
            expect_equal(adds, 3000, "adds");
        expect_console({measured(ldadd, stadd, llsc)});
    });
}

TEST(MachineAddForm, AnotherFormIsChosenIfItTakesAtMostHalfTheTime)
{
    EXPECT_EQ(chooses(100, 50, 90, AddForm::StoreAdd, kHalf), "");
    EXPECT_EQ(chooses(100, 51, 90, AddForm::LoadAdd, kNoOther), "");
    EXPECT_EQ(chooses(101, 50, 90, AddForm::StoreAdd, kHalf), "");
    EXPECT_EQ(chooses(99, 50, 90, AddForm::LoadAdd, kNoOther), "");
    EXPECT_EQ(chooses(100, 90, 50, AddForm::LlSc, kHalf), "");
    EXPECT_EQ(chooses(100, 90, 51, AddForm::LoadAdd, kNoOther), "");
}

TEST(MachineAddForm, TheFasterOfTwoOthersIsChosen)
{
    EXPECT_EQ(chooses(100, 30, 29, AddForm::LlSc, kHalf), "");
    EXPECT_EQ(chooses(100, 29, 30, AddForm::StoreAdd, kHalf), "");
    EXPECT_EQ(chooses(100, 30, 30, AddForm::StoreAdd, kHalf), "");
    EXPECT_EQ(chooses(100, 1000, 40, AddForm::LlSc, kHalf), "");
}

TEST(MachineAddForm, LdaddStaysIfItIsTheFastestOrAsFast)
{
    EXPECT_EQ(chooses(100, 100, 100, AddForm::LoadAdd, kNoOther), "");
    EXPECT_EQ(chooses(50, 100, 100, AddForm::LoadAdd, kNoOther), "");
}

TEST(MachineAddForm, ARoundOfTwentyTicksIsMeasuredAndOneOfNineteenIsNot)
{
    EXPECT_EQ(chooses(20, 10, 15, AddForm::StoreAdd, kHalf), "");
    EXPECT_EQ(chooses(19, 9, 15, AddForm::LoadAdd, kTooSlow), "");
    EXPECT_EQ(chooses(0, 0, 0, AddForm::LoadAdd, kTooSlow), "");
}

TEST(MachineAddForm, TheFastestRoundCountsWhicheverItIs)
{
    for (u32 fast = 0; fast < kRoundsOfAdds; ++fast) {
        EXPECT_EQ(run_kernels(1, 2,
                              [fast] {
                                  percpu_text.counts_of_adds = {
                                      Rounds{200, 200, 200}, {900, 900, 900}, {5000, 5000, 5000}};
                                  for (auto& form : percpu_text.counts_of_adds)
                                      form[fast] /= 10;
                                  expect_choice(choose_add_form(BootArguments{""}), AddForm::LoadAdd,
                                                kNoOther);
                                  expect_console({measured(20, 90, 500)});
                              }),
                  "");
    }
}

// An interrupt comes between two rounds, not within one, however long it takes.
TEST(MachineAddForm, InterruptsAreTakenBetweenRoundsAndDoNotCount)
{
    EXPECT_EQ(run_kernels(1, 20,
                          [] {
                              percpu_text.counts_of_adds = {
                                  Rounds{100, 100, 100}, {60, 60, 60}, {80, 80, 80}};
                              static u64 rang;
                              Timer timer{[](void*) {
                                              rang = now();
                                              compute(1000);
                                          },
                                          nullptr};
                              const u64 before = now();
                              timer.start(150 * kNanosecondsPerCount);
                              expect_choice(choose_add_form(BootArguments{""}), AddForm::LoadAdd, kNoOther);
                              compute(1); // it is taken here at the latest
                              const u64 at = rang - before;
                              expect((at == 200 || at == 300 || at == 360 || at == 420 || at == 480 ||
                                      at == 560 || at == 640 || at == 720),
                                     "between two rounds");
                              expect_equal(now() - before, 3 * 240 + 1000 + 1, "the time of all");
                              expect_console({measured(100, 60, 80)});
                          }),
              "");
}

TEST(MachineAddForm, AFormThatTheArgumentsNameIsUsedUnmeasured)
{
    EXPECT_EQ(run_kernels(1, 2,
                          [] {
                              percpu_text.counts_of_adds = {
                                  Rounds{100, 100, 100}, {10, 10, 10}, {50, 50, 50}};
                              const u64 before = now();
                              expect_choice(choose_add_form(BootArguments{"percpu.add=ldadd"}),
                                            AddForm::LoadAdd, "boot argument");
                              expect_choice(choose_add_form(BootArguments{"percpu.add=stadd"}),
                                            AddForm::StoreAdd, "boot argument");
                              expect_choice(choose_add_form(BootArguments{"percpu.add=llsc"}), AddForm::LlSc,
                                            "boot argument");
                              expect_equal(now(), before, "at once");
                              for (const u32 adds : percpu_text.adds)
                                  expect_equal(adds, 0, "adds");
                              expect_console({});
                          }),
              "");
}

TEST(MachineAddForm, AWrongArgumentIsReportedAndTheFormsAreMeasured)
{
    EXPECT_EQ(run_kernels(1, 2,
                          [] {
                              percpu_text.counts_of_adds = {
                                  Rounds{100, 100, 100}, {10, 10, 10}, {50, 50, 50}};
                              expect_choice(choose_add_form(BootArguments{"percpu.add=fast"}),
                                            AddForm::StoreAdd, kHalf);
                              expect_console({"boot argument percpu.add=fast: is none of ldadd, stadd, llsc "
                                              "and auto, using auto",
                                              measured(100, 10, 50)});
                          }),
              "");
}

TEST(MachineAddForm, EachFormHasItsName)
{
    EXPECT_EQ(name_of(AddForm::LoadAdd), "ldadd");
    EXPECT_EQ(name_of(AddForm::StoreAdd), "stadd");
    EXPECT_EQ(name_of(AddForm::LlSc), "llsc");
}

} // namespace
} // namespace percival::testing
