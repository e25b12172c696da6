// SPDX-License-Identifier: BSD-2-Clause
// Whether a broadcast TLBI is complete at its DSB: one CPU breaks a mapping, invalidates, waits, and tells
// another CPU, which has read through the address all the time and reads once more. If that read sees the old
// page, the DSB came back too early. Once with TLBI and DSB as the architecture asks for them, and once with
// both repeated, as errata of some CPUs do (arch/cpu/errata.hpp).
// The twin on the simulated machine is LitmusTest.OtherCpuMayGetTheOldPageUntilItIsTold.
#pragma once

#include "kernel/probes/shape_steps.hpp"

#include <optional>

namespace percival {

// Tries one form on each of `pairs`, `budget` in all. Outcome::Old is an old page seen. The settings say
// whether TLBI and DSB are repeated. Returns nothing if memory does not suffice.
std::optional<Tally> try_completion(StageSettings settings, const CpuPairs& pairs, TryBudget budget);

// Runs both forms, each with `budget`, and prints a row for each. Returns whether no old page was seen, but
// by the form that this machine's errata rule out. In a thread of the boot CPU, with interrupts unmasked.
bool probe_completion(TryBudget budget, bool leaves_out_tlbi);

} // namespace percival
