// SPDX-License-Identifier: BSD-2-Clause
// Tries each litmus shape on real pages, counts what it saw, and says it beside Arm's verdict. A forbidden
// outcome is a finding about this machine, or about what we take for the architecture. An allowed one that
// was not seen is none.
#pragma once

#include "kernel/probes/budget.hpp"
#include "kernel/probes/stage.hpp"

namespace percival {

// Runs all shapes, each with `budget`, and prints a row for each. Returns whether no forbidden outcome was
// seen. In a thread of the boot CPU, with interrupts unmasked.
bool probe_litmus(TryBudget budget, StageSettings settings);

} // namespace percival
