// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/litmus.hpp"

#include "arch/cpu/id_registers.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/probes/litmus_steps.hpp"
#include "kernel/probes/probe_row.hpp"
#include "kernel/wait/run_everywhere.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr u64 kEts2 = 2;

bool every_cpu_has_ets2()
{
    std::atomic<bool> every{true};
    run_everywhere([&every](CpuId) {
        if (arch::IdAa64Mmfr1::read().get<arch::IdAa64Mmfr1::Ets>() < kEts2)
            every.store(false, std::memory_order_relaxed);
    });
    return every.load(std::memory_order_relaxed);
}

void print_row(const LitmusShape& shape, bool allowed, const Tally& tally)
{
    print_probe_row("litmus", [&](Writer& json) {
        format(json, ",\"shape\":\"{}\",\"verdict\":\"{}\",\"asks\":\"{}\",\"tries\":{}", shape.name,
               allowed ? "allowed" : "forbidden", kOutcomeNames[static_cast<u32>(shape.asked)], tally.tries);
        for (u32 outcome = 0; outcome < kOutcomeNames.size(); ++outcome) {
            if (tally.seen[outcome] != 0)
                format(json, ",\"{}\":{}", kOutcomeNames[outcome], tally.seen[outcome]);
        }
    });
}

} // namespace

bool probe_litmus(TryBudget budget, StageSettings settings)
{
    Stage stage{settings};
    if (!stage.is_ready()) {
        print("probe: litmus: no memory");
        return false;
    }
    const CpuPairs pairs = pairs_of_online_cpus();
    say_pairs("litmus", pairs);
    const bool has_ets2 = every_cpu_has_ets2();
    bool all_well = true;
    for (u32 number = 0; number < kLitmusShapes.size(); ++number) {
        const LitmusShape& shape = kLitmusShapes[number];
        const ShapeSteps& steps = litmus_steps()[number].steps;
        if (steps.needs_two_cpus() && pairs[0].is_alone()) {
            print("probe: litmus: {}: not tried: there is one CPU", shape.name);
            continue;
        }
        const Tally tally = try_shape(steps, shape.asked, stage, pairs, budget);
        const bool allowed = is_allowed(shape.verdict, has_ets2);
        print_row(shape, allowed, tally);
        if (allowed || tally.count(shape.asked) == 0)
            continue;
        print("probe: litmus: FORBIDDEN and seen: {}: {} in {} of {} tries", shape.name,
              kOutcomeNames[static_cast<u32>(shape.asked)], tally.count(shape.asked), tally.tries);
        all_well = false;
    }
    return all_well;
}

} // namespace percival
