// SPDX-License-Identifier: BSD-2-Clause
// Probes of what this machine's TLBs and memory do, on any board and within seconds:
//
//   tlbs         whether each CPU has a TLB of its own, for pairs of CPUs (kernel/probes/tlb_pairs.hpp)
//   completion   whether a broadcast TLBI is complete at its DSB (kernel/probes/completion.hpp)
//   litmus       which outcomes shapes of our own protocols have (kernel/probes/litmus.hpp)
//
// Each result is a line `probe: {json}`, which scripts/frontdoor/probe_rows.py reads. A result that the
// architecture forbids fails the run. What a machine cannot show is a line that says why.
#pragma once

#include "kernel/boot_arguments/boot_argument_table.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/report/verdict.hpp"

#include <string_view>

namespace percival {

struct ProbeOptions {
    std::string_view globs{"*"};
    u64 tries{0}; // of each shape; 0: as many as half a second allows
    ProbeFaultChoice fault{ProbeFaultChoice::None};
};

// Runs the probes whose names match one of the globs. `is_emulated` says that this CPU looks like one of an
// emulator, whose results then say what it cannot show. Returns Failed if no probe matches, or if one found
// what must not be. Boot CPU, in a thread, once all CPUs are up.
Verdict run_probes(const ProbeOptions& options, bool is_emulated);

} // namespace percival
