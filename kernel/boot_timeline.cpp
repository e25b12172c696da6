// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/boot_timeline.hpp"

#include "arch/performance_counter.hpp"
#include "arch/timer.hpp"
#include "kernel/bounded_vector.hpp"
#include "kernel/print.hpp"

namespace percival {
namespace {

struct Phase {
    std::string_view name;
    u64 instructions; // from the start of boot to the end of the phase
    u64 ticks;        // of the clock, the same
};

constinit BoundedVector<Phase, 16> phases{};

} // namespace

void end_boot_phase(std::string_view phase)
{
    const u64 instructions = arch::has_performance_counters() ? arch::instructions_retired() : 0;
    // More phases than there is room for are a longer last one.
    if (!phases.push({phase, instructions, arch::timer_ticks()}))
        phases[phases.size() - 1] = {phase, instructions, arch::timer_ticks()};
}

void print_boot_timeline()
{
    Phase before{"", 0, phases.empty() ? 0 : phases[0].ticks};
    for (const Phase& phase : phases) {
        const u64 microseconds = (phase.ticks - before.ticks) * 1'000'000 / arch::timer_frequency();
        print("boot: {:-28} {:10} instructions {:8} us", phase.name, phase.instructions - before.instructions,
              microseconds);
        before = phase;
    }
    print("boot: {:-28} {:10} instructions", "all", before.instructions);
}

u64 boot_instructions()
{
    return phases.empty() ? 0 : phases[phases.size() - 1].instructions;
}

} // namespace percival
