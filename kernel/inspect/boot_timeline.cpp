// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/inspect/boot_timeline.hpp"

#include "arch/cpu/performance_counter.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/print.hpp"

namespace percival {
namespace {

struct Phase {
    std::string_view name;
    u64 instructions; // from the start of boot to the end of the phase
    u64 ticks;        // of the clock, at the end of the phase
};

constinit BoundedVector<Phase, 16> phases{};

void print_phase(std::string_view name, u64 instructions, u64 microseconds)
{
    if (arch::counts_instructions())
        print("boot: {:-24} {:9} instructions {:8} us", name, instructions, microseconds);
    else
        print("boot: {:-24} {:8} us", name, microseconds);
}

} // namespace

void end_boot_phase(std::string_view phase)
{
    const u64 instructions = arch::counts_instructions() ? arch::instructions_retired() : 0;
    // If there is no room for another phase, the last one becomes longer.
    if (!phases.push({phase, instructions, arch::timer_ticks()}))
        phases[phases.size() - 1] = {phase, instructions, arch::timer_ticks()};
}

void print_boot_timeline()
{
    Phase before{"", 0, phases.empty() ? 0 : phases[0].ticks};
    u64 total = 0;
    for (const Phase& phase : phases) {
        const u64 microseconds = (phase.ticks - before.ticks) * 1'000'000 / arch::timer_frequency();
        print_phase(phase.name, phase.instructions - before.instructions, microseconds);
        total += microseconds;
        before = phase;
    }
    print_phase("all", before.instructions, total);
}

u64 boot_instructions()
{
    return phases.empty() ? 0 : phases[phases.size() - 1].instructions;
}

u64 boot_instructions(std::string_view phase)
{
    u64 before = 0;
    for (const Phase& each : phases) {
        if (each.name == phase)
            return each.instructions - before;
        before = each.instructions;
    }
    return 0;
}

} // namespace percival
