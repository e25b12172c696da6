// SPDX-License-Identifier: BSD-2-Clause
// Measures what instruction counts hide in a this_cpu operation and cycles show: the instruction that adds,
// operations that wait for each other, the two stores of a fixup, variables that share a line, and the first
// use after the caches and the TLB forgot the variable.
#include "arch/cpu/cache.hpp"
#include "arch/mmu/tlb.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "kernel/sync/preemption.hpp"
#include "mm/percpu/this_cpu.hpp"

namespace percival {
namespace {

constexpr u64 kLine = 256; // no core has longer ones

PERCIVAL_PERCPU PerCpu<u64> counter{};
alignas(kLine) PERCIVAL_PERCPU PerCpu<u64> on_one_line{};
PERCIVAL_PERCPU PerCpu<u64> on_the_same_line{};
alignas(kLine) PERCIVAL_PERCPU PerCpu<u64> on_another_line{};

BenchmarkResult add_by(arch::AddForm add)
{
    arch::PercpuForm form = arch::percpu_form();
    if (!form.lse)
        return {.hundredths = 0, .missing = "a CPU has no FEAT_LSE"};
    form.add = add;
    const InPercpuForm in_form{form};
    return instructions_per_turn([] { counter.add(1); });
}

PERCIVAL_BENCHMARK(this_cpu_add_by_ldadd, ThisCpu)
{
    return add_by(arch::AddForm::LoadAdd);
}

PERCIVAL_BENCHMARK(this_cpu_add_by_stadd, ThisCpu)
{
    return add_by(arch::AddForm::StoreAdd);
}

PERCIVAL_BENCHMARK(this_cpu_add_by_llsc, ThisCpu)
{
    return add_by(arch::AddForm::LlSc);
}

// The prefetch brings the line near the core, before an instruction that may execute far from it.
PERCIVAL_BENCHMARK(this_cpu_add_after_prefetch, ThisCpu)
{
    return instructions_per_turn([copy = &counter.on(this_cpu_id())] {
        asm volatile("prfm pstl1keep, %0" : : "Q"(*copy));
        counter.add(1);
    });
}

// Each addition needs the result of the one before.
PERCIVAL_BENCHMARK(this_cpu_add_return_dependent, ThisCpu)
{
    return instructions_per_turn([value = u64{1}]() mutable { value = counter.add_return(value); });
}

PERCIVAL_BENCHMARK(this_cpu_add_return_independent, ThisCpu)
{
    return instructions_per_turn([] { asm volatile("" : : "r"(counter.add_return(1))); });
}

// Two variables by turns: a pair of operations.
PERCIVAL_BENCHMARK(this_cpu_add_neighbours_on_a_line, ThisCpu)
{
    PERCIVAL_ASSERT(on_one_line.local_address().align_down(Bytes{kLine}) ==
                    on_the_same_line.local_address().align_down(Bytes{kLine}));
    return instructions_per_turn([] {
        on_one_line.add(1);
        on_the_same_line.add(1);
    });
}

PERCIVAL_BENCHMARK(this_cpu_add_on_two_lines, ThisCpu)
{
    return instructions_per_turn([] {
        on_one_line.add(1);
        on_another_line.add(1);
    });
}

// What fixup mode stores in the thread for each operation, in the form that Linux queued for 7.4, too: a
// halfword that notes three registers, and its clearing. The registers that an exception would rewrite here
// are scratch.
constexpr u16 kNote = 11 | 12 << 5 | 13 << 10;

struct NotedThread {
    u16* note{&preemption().percpu_note};
    u32 value{kNote};
};

// The stores alone.
PERCIVAL_BENCHMARK(fixup_note_and_clear, Core)
{
    return instructions_per_turn([own = NotedThread{}] {
        asm volatile("strh %w[value], [%[note]]\n\t"
                     "strh wzr, [%[note]]"
                     :
                     : [note] "r"(own.note), [value] "r"(own.value)
                     : "x12", "x13", "memory");
    });
}

// What the same stores add to an addition between them, which loads and stores.
PERCIVAL_BENCHMARK(fixup_note_and_clear_around_add, Core)
{
    u64 sum = 0;
    const auto noted = [own = NotedThread{}, at = &sum] {
        asm volatile("strh %w[value], [%[note]]\n\t"
                     "ldr x14, [%[at]]\n\t"
                     "add x14, x14, #1\n\t"
                     "str x14, [%[at]]\n\t"
                     "strh wzr, [%[note]]"
                     :
                     : [note] "r"(own.note), [value] "r"(own.value), [at] "r"(at)
                     : "x12", "x13", "x14", "memory");
    };
    const auto bare = [own = NotedThread{}, at = &sum] {
        asm volatile("ldr x14, [%[at]]\n\t"
                     "add x14, x14, #1\n\t"
                     "str x14, [%[at]]"
                     :
                     : [note] "r"(own.note), [value] "r"(own.value), [at] "r"(at)
                     : "x12", "x13", "x14", "memory");
    };
    return cost_per_turn(loop_over(noted), loop_over(bare));
}

BenchmarkResult cold_add(void (*forget)(const void*))
{
    const auto add = [] { counter.add(1); };
    return cost_per_cold_turn(loop_over(add), loop_over(kNothing), {forget});
}

void forget_line(const void*)
{
    arch::clean_and_invalidate_to_memory({address_of(&counter.on(this_cpu_id())), Bytes{sizeof(u64)}});
}

PERCIVAL_BENCHMARK(this_cpu_add_cold_cache, ThisCpu)
{
    return cold_add(&forget_line);
}

PERCIVAL_BENCHMARK(this_cpu_add_cold_tlb, ThisCpu)
{
    return cold_add([](const void*) { arch::flush_tlb_this_cpu(); });
}

} // namespace
} // namespace percival
