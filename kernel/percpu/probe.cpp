// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/percpu/probe.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/percpu.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr u32 kReads = 1000;
// Returns the time limit of one pair: half a second, divided by the number of CPUs. It matters for an
// emulator that never runs the two CPUs at the same time: they then take turns only as fast as the host
// switches between them.
u64 pair_time_limit()
{
    return arch::timer_frequency() / (2 * online_cpu_count());
}
// The value of `turn` that ends the probe of a pair.
constexpr u32 kOver = ~u32{0};

// The value that each CPU has to read at its local address, and the number of the next turn in the pair whose
// first CPU this is.
PERCIVAL_PERCPU PerCpu<u64> tag{};
PERCIVAL_PERCPU PerCpu<std::atomic<u32>> turn{};

u64 tag_of(CpuId cpu)
{
    return cpu.index() + 1;
}

// Reads the tag through the local address, whichever mode the this_cpu operations are in.
u64 read_local_tag()
{
    // SAFETY: the local address of `tag` is mapped on every CPU with private roots, aligned and of this type.
    // The access is volatile because other CPUs write the tag through its global address.
    return *reinterpret_cast<const volatile u64*>(tag.local_address().raw());
}

} // namespace

void start_tlb_probe()
{
    for_each_online_cpu([](CpuId cpu) {
        tag.on(cpu) = tag_of(cpu);
        turn.on(cpu).store(0, std::memory_order_relaxed);
    });
}

PairReads reads_beside(CpuId self, CpuId other)
{
    const bool first = self.index() < other.index();
    std::atomic<u32>& shared = turn.on(first ? self : other);
    PairReads reads;
    u64 deadline = 0;
    for (u32 read = 0; read < kReads; ++read) {
        const u32 mine = 2 * read + (first ? 0 : 1);
        u32 now;
        while ((now = shared.load(std::memory_order_acquire)) != mine && now != kOver)
            arch::relax();
        if (read == 0)
            deadline = arch::timer_ticks() + pair_time_limit();
        ++reads.made;
        reads.wrong += read_local_tag() != tag_of(self);
        const bool last = now == kOver || (first && arch::timer_ticks() > deadline);
        shared.store(last ? kOver : mine + 1, std::memory_order_release);
        if (last)
            break;
    }
    return reads;
}

bool tlbs_are_private()
{
    start_tlb_probe();
    std::atomic<u32> wrong{0};
    // The pairs form a chain: each CPU runs first with its predecessor, then with its successor.
    run_everywhere([&wrong](CpuId self) {
        const arch::InterruptMask masked;
        std::optional<CpuId> before, after;
        for_each_online_cpu([&](CpuId cpu) {
            if (cpu.index() < self.index())
                before = cpu;
            else if (cpu.index() > self.index() && !after)
                after = cpu;
        });
        u32 own = 0;
        if (before)
            own += reads_beside(self, *before).wrong;
        if (after)
            own += reads_beside(self, *after).wrong;
        wrong.fetch_add(own, std::memory_order_relaxed);
    });
    return wrong.load(std::memory_order_relaxed) == 0;
}

} // namespace percival
