// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/completion.hpp"

#include "arch/mmu/tlb.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/probes/probe_row.hpp"

namespace percival {
namespace {

using Place = Stage::Place;

constexpr ShapeSteps kSteps{
    Stage::Start::OldPage,
    [](Stage& stage) {
        stage.clear(Place::At);
        stage.flush(Place::At);
        stage.tell();
    },
    [](Stage& stage) { stage.read_until_told(); },
    [](Stage& stage) {
        stage.await_flag();
        static_cast<void>(stage.read(Place::At));
        return Outcome::Old;
    },
};

bool probe_form(std::string_view form, StageSettings settings, TryBudget budget, const CpuPairs& pairs)
{
    const auto tally = try_completion(settings, pairs, budget);
    if (!tally) {
        print("probe: completion: no memory");
        return false;
    }
    const u64 stale = tally->count(Outcome::Old);
    print_probe_row("completion", [&](Writer& json) {
        format(json, ",\"form\":\"{}\",\"pairs\":{},\"tries\":{},\"stale\":{}", form, pairs.size(),
               tally->tries, stale);
    });
    if (stale == 0)
        return true;
    print("probe: completion: OLD PAGE SEEN after TLBI and DSB, {}: in {} of {} tries", form, stale,
          tally->tries);
    return !settings.repeats_tlbi && arch::needs_repeated_tlbi();
}

} // namespace

std::optional<Tally> try_completion(StageSettings settings, const CpuPairs& pairs, TryBudget budget)
{
    Stage stage{settings};
    if (!stage.is_ready())
        return {};
    return try_shape(kSteps, Outcome::Old, stage, pairs, budget);
}

bool probe_completion(TryBudget budget, bool leaves_out_tlbi)
{
    const CpuPairs pairs = pairs_of_online_cpus();
    if (pairs[0].is_alone()) {
        print("probe: completion: not probed: there is one CPU");
        return true;
    }
    say_pairs("completion", pairs);
    const bool once = probe_form("once", {false, leaves_out_tlbi}, budget, pairs);
    const bool repeated = probe_form("repeated", {true, leaves_out_tlbi}, budget, pairs);
    return once && repeated;
}

} // namespace percival
