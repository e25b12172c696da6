// SPDX-License-Identifier: BSD-2-Clause
// A counter of the PMU is believed only if it counted right over loops whose cost is known: an emulator, a
// hypervisor or firmware may present counters that stand still or count something else. Any context, also on
// the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival {

// Additional operations in each turn of the longer of two loops.
inline constexpr u64 kKnownOperations = 16;

// What the counters say of the known loops, in hundredths.
struct KnownLoops {
    bool has_counters;     // the PMU has enough of them to count all at once
    bool has_instructions; // the PMU says that it counts the event
    bool has_tlb_refills;
    bool has_tlb_walks;
    u64 instructions;   // of kKnownOperations additions
    u64 addition;       // cycles of one that needs the result of the one before
    u64 multiplication; // the same
    u64 refills_new;    // of the data TLB per page: the first access after all entries were invalidated
    u64 refills_in_use; // per access, to one page again and again
    u64 walks_new;
    u64 walks_in_use;
};

// Why each counter is not believed; empty if it is.
struct CounterVerdicts {
    std::string_view instructions;
    std::string_view cycles;
    std::string_view tlb_refills;
    std::string_view tlb_walks;
    bool is_emulated{false}; // they are like those of an emulator, which counts no cycles of a pipeline
};

namespace known_loops_detail {

constexpr std::string_view judge_tlb(bool has, u64 new_pages, u64 in_use)
{
    if (!has)
        return "this PMU has no such event";
    // The pages have no contiguous hint, but a core may merge a few neighbours by itself.
    if (new_pages < 100 / 16)
        return "it misses pages that no TLB entry can translate";
    return in_use <= 2 ? "" : "it counts accesses to a page in use";
}

} // namespace known_loops_detail

constexpr CounterVerdicts judge(const KnownLoops& loops)
{
    if (!loops.has_counters) {
        constexpr std::string_view kWrong = "this CPU has no PMU with 3 event counters";
        return {kWrong, kWrong, kWrong, kWrong, false};
    }
    CounterVerdicts verdicts;
    const u64 expected = kKnownOperations * 100;
    if (!loops.has_instructions)
        verdicts.instructions = "this PMU has no such event";
    else if (loops.instructions < expected - expected / 100 || loops.instructions > expected + expected / 100)
        verdicts.instructions = "it counts additions wrong";
    // No core multiplies as fast as it adds. An emulator does, whose clock advances by instructions; and one
    // whose clock is the host's does not count instructions.
    if (!verdicts.instructions.empty()) {
        verdicts.cycles = "instructions are not counted, as on an emulator";
        verdicts.is_emulated = true;
    } else if (loops.addition < 90 || loops.addition > 160) {
        verdicts.cycles = "an addition does not take one cycle";
    } else if (loops.multiplication < 180) {
        verdicts.cycles = "a multiplication takes as long as an addition, as on an emulator";
        verdicts.is_emulated = true;
    }
    using known_loops_detail::judge_tlb;
    verdicts.tlb_refills = judge_tlb(loops.has_tlb_refills, loops.refills_new, loops.refills_in_use);
    verdicts.tlb_walks = judge_tlb(loops.has_tlb_walks, loops.walks_new, loops.walks_in_use);
    return verdicts;
}

} // namespace percival
