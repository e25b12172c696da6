// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/percpu/add_form.hpp"

#include "arch/cpu/atomic_add.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/boot_arguments/boot_argument_report.hpp"
#include "kernel/lib/print.hpp"

#include <algorithm>
#include <array>

namespace percival {
namespace {

using arch::AddForm;

constexpr std::array<std::string_view, 3> kNames{"ldadd", "stadd", "llsc"};
constexpr std::array<AddForm, 3> kForms{AddForm::LoadAdd, AddForm::StoreAdd, AddForm::LlSc};

constexpr u32 kRounds = 3;
constexpr u32 kAddsPerRound = 1000;
// A round that takes fewer timer ticks than this cannot be measured.
constexpr u64 kLeastTicks = 20;

// Alone in its cache lines, as percpu data is.
alignas(128) constinit u64 target = 0;

// Returns the ticks of the fastest of several rounds: an interruption of the machine can only make a round
// slower.
template <class Add>
u64 ticks_of(Add add)
{
    u64 best = ~u64{0};
    for (u32 round = 0; round < kRounds; ++round) {
        const arch::InterruptMask masked;
        const u64 before = arch::timer_ticks();
        for (u32 turn = 0; turn < kAddsPerRound; ++turn)
            add(&target);
        best = std::min(best, arch::timer_ticks() - before);
    }
    return best;
}

AddChoice measure()
{
    const std::array<u64, 3> ticks{ticks_of(&arch::add_by_ldadd), ticks_of(&arch::add_by_stadd),
                                   ticks_of(&arch::add_by_llsc)};
    print("percpu: {} adds take {} timer ticks by ldadd, {} by stadd, {} by llsc", kAddsPerRound, ticks[0],
          ticks[1], ticks[2]);
    if (ticks[0] < kLeastTicks)
        return {AddForm::LoadAdd, "the timer is too slow to measure them"};
    const auto best = static_cast<std::size_t>(std::ranges::min_element(ticks) - ticks.begin());
    if (ticks[best] * 2 > ticks[0])
        return {AddForm::LoadAdd, "measured: no other takes half its time"};
    return {kForms[best], "measured: at most half the time of ldadd"};
}

} // namespace

AddChoice choose_add_form(const BootArguments& arguments)
{
    switch (reported(arguments.choice(BootArgumentTable::kPercpuAdd))) {
    case PercpuAddChoice::LoadAdd:
        return {AddForm::LoadAdd, "boot argument"};
    case PercpuAddChoice::StoreAdd:
        return {AddForm::StoreAdd, "boot argument"};
    case PercpuAddChoice::LlSc:
        return {AddForm::LlSc, "boot argument"};
    case PercpuAddChoice::Auto:
        break;
    }
    return measure();
}

std::string_view name_of(AddForm form)
{
    return kNames[static_cast<std::size_t>(form)];
}

} // namespace percival
