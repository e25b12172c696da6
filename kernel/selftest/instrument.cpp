// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/selftest/instrument.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/performance_counter.hpp"
#include "arch/exceptions/exception_watch.hpp"
#include "arch/mmu/tlb.hpp"
#include "kernel/selftest/samples.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vmap.hpp"

#include <array>

namespace percival {
namespace {

using arch::CounterValues, arch::RunningCounters;

constexpr u64 kKnownTurns = 1000;
constexpr u64 kKnownPages = 256;
constexpr Bytes kPage = mm::KernelGeometry::kPageSize;

constinit CounterVerdicts verdicts{};

// Counts what `work` costs, undisturbed if `is_clean` comes out true.
struct Counted {
    u64 cycles;
    u64 instructions;
    u64 tlb_refills;
    u64 tlb_walks;
    bool is_clean;
};

template <class Work>
Counted count(Work work)
{
    RunningCounters::forget_overflows();
    const arch::ExceptionWatch exceptions;
    const CounterValues before = RunningCounters::read();
    work();
    arch::dsb<arch::Shareability::NonShareable>(); // stores and atomics without a result count, too
    const CounterValues after = RunningCounters::read();
    return {after.cycles - before.cycles, after.instructions - before.instructions,
            after.tlb_refills - before.tlb_refills, after.tlb_walks - before.tlb_walks,
            !exceptions.saw_one() && !RunningCounters::overflowed()};
}

// Returns what one of several runs of `work` costs at least, by each counter.
template <class Work>
Counted least_of(Work work)
{
    Counted least = count(work);
    for (u32 round = 1; round < kMeasuringRounds; ++round) {
        const Counted counted = count(work);
        least.cycles = std::min(least.cycles, counted.cycles);
        least.instructions = std::min(least.instructions, counted.instructions);
        least.tlb_refills = std::min(least.tlb_refills, counted.tlb_refills);
        least.tlb_walks = std::min(least.tlb_walks, counted.tlb_walks);
    }
    return least;
}

#define PERCIVAL_CHAIN(operations)                                                      \
    [] {                                                                                \
        u64 value = 3;                                                                  \
        for (u64 turn = 0; turn < kKnownTurns; ++turn)                                  \
            asm volatile(operations : "+r"(value) : "r"(value), "i"(kKnownOperations)); \
    }

void count_chains(KnownLoops& loops)
{
    const Counted empty = least_of(PERCIVAL_CHAIN(""));
    const Counted additions = least_of(PERCIVAL_CHAIN(".rept %2; add %0, %0, %1; .endr"));
    const Counted multiplications = least_of(PERCIVAL_CHAIN(".rept %2; mul %0, %0, %1; .endr"));
    const u64 operations = kKnownTurns * kKnownOperations;
    loops.instructions = hundredths_more(additions.instructions, empty.instructions, kKnownTurns);
    loops.addition = hundredths_more(additions.cycles, empty.cycles, operations);
    loops.multiplication = hundredths_more(multiplications.cycles, empty.cycles, operations);
}

#undef PERCIVAL_CHAIN

// Reads a byte of each of kKnownPages pages that lie `step` apart.
Counted count_reads(const u8* memory, Bytes step)
{
    return least_of([memory, step] {
        arch::flush_tlb_this_cpu();
        for (u64 page = 0; page < kKnownPages; ++page)
            static_cast<void>(static_cast<const volatile u8*>(memory)[page * step.count()]);
    });
}

void count_walks(KnownLoops& loops)
{
    // One page at all addresses: pages that are no neighbours in memory get no contiguous hint.
    std::array<PhysAddr, kKnownPages> pages;
    const auto page = mm::allocate_page();
    if (!page)
        return; // no walk counted: the counters are not believed
    pages.fill(*page);
    const auto memory = mm::vmap(pages, mm::kData);
    if (!memory)
        return mm::free_page(*page);
    const u8* const bytes = static_cast<const u8*>(*memory);
    const Counted new_pages = count_reads(bytes, kPage);
    const Counted in_use = count_reads(bytes, Bytes{0});
    mm::vunmap(*memory);
    mm::flush_freed();
    mm::free_page(*page);
    loops.refills_new = new_pages.tlb_refills * 100 / kKnownPages;
    loops.walks_new = new_pages.tlb_walks * 100 / kKnownPages;
    loops.refills_in_use = in_use.tlb_refills * 100 / kKnownPages;
    loops.walks_in_use = in_use.tlb_walks * 100 / kKnownPages;
}

} // namespace

const CounterVerdicts& check_counters()
{
    KnownLoops loops{};
    loops.has_instructions = arch::counts_instructions();
    loops.has_tlb_refills = arch::counts(arch::PmuEvent::DataTlbRefill);
    loops.has_tlb_walks = arch::counts(arch::PmuEvent::DataTlbWalk);
    loops.has_counters = RunningCounters::are_here();
    if (loops.has_counters) {
        const RunningCounters running;
        count_chains(loops);
        count_walks(loops);
    }
    return verdicts = judge(loops);
}

const CounterVerdicts& counter_verdicts()
{
    return verdicts;
}

u64 instructions_of_loop(Loop loop, u64 turns)
{
    u64 best = ~u64{0};
    for (u32 round = 0; round < kMeasuringRounds; ++round) {
        const u64 before = arch::instructions_retired();
        loop.run(loop.turn, turns);
        // Every PMU has counters of at least 32 bits.
        best = std::min<u64>(best, static_cast<u32>(arch::instructions_retired() - before));
    }
    return best;
}

std::optional<Sampled> sample(Loop loop, u64 turns, Preparation preparation)
{
    Samples<kSamples> cycles;
    Sampled sampled{};
    const RunningCounters running;
    loop.run(loop.turn, turns); // warm, unless prepared otherwise
    while (!cycles.is_full()) {
        if (preparation.work != nullptr)
            preparation.work(loop.turn);
        const Counted counted = count([loop, turns] { loop.run(loop.turn, turns); });
        if (!counted.is_clean) {
            cycles.throw_away();
            if (cycles.thrown_away() == kSamples)
                return std::nullopt;
            continue;
        }
        cycles.keep(counted.cycles);
        sampled.tlb_refills += counted.tlb_refills;
        sampled.tlb_walks += counted.tlb_walks;
    }
    sampled.cycles = cycles.distribution();
    sampled.thrown_away = cycles.thrown_away();
    return sampled;
}

namespace {

std::optional<Cost> cost_of(Loop loop, Loop empty, u64 turns, Preparation preparation)
{
    if (!verdicts.cycles.empty())
        return std::nullopt;
    const auto without = sample(empty, turns, preparation);
    const auto with = sample(loop, turns, preparation);
    if (!without || !with)
        return std::nullopt;
    return cost_between(*with, *without, turns, verdicts);
}

} // namespace

std::optional<Cost> cost_of_loop(Loop loop, Loop empty, u64 turns)
{
    return cost_of(loop, empty, turns, kWarm);
}

std::optional<Cost> cost_of_cold_turn(Loop loop, Loop empty, Preparation preparation)
{
    return cost_of(loop, empty, 1, preparation);
}

} // namespace percival
