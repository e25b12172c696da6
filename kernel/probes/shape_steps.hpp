// SPDX-License-Identifier: BSD-2-Clause
// A shape as steps of one or two CPUs on a stage, and its tries on pairs of CPUs.
#pragma once

#include "kernel/probes/budget.hpp"
#include "kernel/probes/cpu_pairs.hpp"
#include "kernel/probes/litmus_shapes.hpp"
#include "kernel/probes/stage.hpp"

#include <array>

namespace percival {

struct ShapeSteps {
    Stage::Start start;
    // The CPU that changes descriptors; null: the observer does so itself, and is alone.
    void (*writer)(Stage&);
    // What the observer does before it is told; null: nothing. A fault ends it early.
    void (*meanwhile)(Stage&);
    // Returns what the access saw. A fault ends it, and is then what it saw.
    Outcome (*observer)(Stage&);

    bool needs_two_cpus() const { return writer != nullptr; }
};

// What came out of all tries.
struct Tally {
    u64 tries{0};
    std::array<u64, kOutcomeNames.size()> seen{};

    u64 count(Outcome outcome) const { return seen[static_cast<u32>(outcome)]; }
};

// Tries a shape on each of the pairs, `budget` in all. An access that saw `asked` counts as that. One that
// saw something else counts as a fault if the exception handler had it made again. Steps that need two CPUs
// get pairs of two. In a thread of the boot CPU, with interrupts unmasked.
Tally try_shape(const ShapeSteps& steps, Outcome asked, Stage& stage, const CpuPairs& pairs,
                TryBudget budget);

} // namespace percival
