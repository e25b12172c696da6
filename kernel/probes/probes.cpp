// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/probes.hpp"

#include "arch/devices/timer.hpp"
#include "arch/mmu/tlb.hpp"
#include "kernel/lib/glob.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/probes/completion.hpp"
#include "kernel/probes/litmus.hpp"
#include "kernel/probes/tlb_pairs.hpp"

#include <array>

namespace percival {
namespace {

struct Probe {
    std::string_view name;
    std::string_view not_on_an_emulator; // what QEMU cannot show
    bool (*run)(const ProbeOptions& options, TryBudget budget);
};

bool leaves_out_tlbi(const ProbeOptions& options)
{
    return options.fault == ProbeFaultChoice::Tlbi;
}

constexpr std::array<Probe, 3> kProbes{{
    {"tlbs", "QEMU's TCG has a TLB for each CPU, and no threads of a core that could share one",
     [](const ProbeOptions& options, TryBudget) {
         return probe_tlb_pairs(options.fault == ProbeFaultChoice::Root);
     }},
    {"completion", "QEMU's TCG invalidates on every CPU before the DSB ends",
     [](const ProbeOptions& options, TryBudget budget) {
         return probe_completion(budget, leaves_out_tlbi(options));
     }},
    {"litmus", "QEMU's TCG walks in program order and remembers no fault, so what is allowed does not show",
     [](const ProbeOptions& options, TryBudget budget) {
         return probe_litmus(budget, {arch::needs_repeated_tlbi(), leaves_out_tlbi(options)});
     }},
}};

} // namespace

Verdict run_probes(const ProbeOptions& options, bool is_emulated)
{
    const TryBudget budget{options.tries, arch::timer_frequency() / 2};
    u32 run = 0;
    bool all_well = true;
    for (const Probe& probe : kProbes) {
        if (!any_glob(options.globs,
                      [&probe](std::string_view glob) { return glob_matches(glob, probe.name); }))
            continue;
        ++run;
        if (is_emulated)
            print("probe: {}: as on an emulator: {}", probe.name, probe.not_on_an_emulator);
        all_well &= probe.run(options, budget);
    }
    if (run == 0)
        print("probe: no probe matches {}", options.globs);
    return run != 0 && all_well ? Verdict::Passed : Verdict::Failed;
}

} // namespace percival
