// SPDX-License-Identifier: BSD-2-Clause
// Stress tests of the percpu allocator, with many CPUs, migrating threads and interrupts: objects do not
// overlap and are zeroed, and no memory is lost.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu_memory/address.hpp"
#include "tests/kernel/support/alarm_storm.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/forced_migration.hpp"
#include "tests/kernel/support/interrupted_cpus.hpp"
#include "tests/kernel/support/percpu_support.hpp"
#include "tests/kernel/support/thread_group.hpp"

#include <atomic>

namespace percival {
namespace {

// The number of errors. Counted, so that a failure is reported once and not by every CPU in every turn.
constinit std::atomic<u64> wrong{0};

constexpr std::array<u32, 8> kSizes{4, 8, 12, 64, 100, 1024, 4096, 6000};

// An object and the index of its size, in one word that can be exchanged atomically.
struct Ticket {
    // The top bit of a kernel address is set and the two low bits of a grain's address are clear, which
    // leaves three bits for the index.
    static u64 of(VirtAddr object, u32 size_index) { return object.raw() << 1 | size_index; }
    static VirtAddr object(u64 ticket) { return VirtAddr{ticket >> 3 << 2 | u64{1} << 63}; }
    static Bytes size(u64 ticket) { return Bytes{kSizes[ticket % 8]}; }
    static_assert(kSizes.size() == 8);
};

// Allocates an object, checks that it is zero and signs it. Returns its ticket, or 0 if there is no memory.
u64 allocate_and_sign(u32 size_index, bool may_block)
{
    const Bytes size{kSizes[size_index]};
    const auto object = may_block ? percpu::allocate(size, kGrain) : percpu::allocate_atomic(size, kGrain);
    if (!object) {
        wrong += may_block;
        return 0;
    }
    // Reads both ends at the local address, and the first grain of every CPU's copy.
    for_both_ends(*object, size,
                  [&](VirtAddr at, u64) { wrong += load_local_grain(*object, size, at) != 0; });
    for_each_possible_cpu([&](CpuId cpu) { wrong += load_grain(*object, size, *object, cpu) != 0; });
    sign_copies(*object, size);
    return Ticket::of(*object, size_index);
}

// Checks the signatures of an object and frees it. Ignores ticket 0.
void check_and_free(u64 ticket)
{
    if (ticket == 0)
        return;
    const VirtAddr object = Ticket::object(ticket);
    wrong += !copies_are_signed(object, Ticket::size(ticket));
    percpu::free(object);
}

// Runs `action` and checks that it found no errors and that no memory is lost.
template <class F>
void hammer(F action)
{
    wrong = 0;
    const PercpuUse before = percpu_use();
    const u64 bad_frees = mm::memory_statistics().bad_frees;
    action();
    expect_same_percpu_use(before);
    EXPECT_EQ(mm::memory_statistics().bad_frees, bad_frees);
    EXPECT_EQ(wrong.load(), 0u);
}

PERCIVAL_TEST(percpu_hammer, all_cpus_allocate_and_free_all_sizes)
{
    hammer([turns = 4'000 / online_cpu_count() + 20] {
        run_everywhere([turns](CpuId cpu) {
            std::array<u64, 12> mine{};
            u32 random = cpu.index() * 7919 + 1;
            for (u32 turn = 0; turn < turns; ++turn) {
                u64& slot = mine[next_random(random) % mine.size()];
                check_and_free(slot);
                slot = allocate_and_sign(next_random(random) % kSizes.size(), true);
            }
            for (const u64 ticket : mine)
                check_and_free(ticket);
        });
    });
}

// Each CPU exchanges a new object for the object in a random slot, and frees the old one.
PERCIVAL_TEST(percpu_hammer, objects_can_be_freed_by_another_cpu)
{
    static constinit std::array<std::atomic<u64>, 97> slots{};
    hammer([turns = 4'000 / online_cpu_count() + 20] {
        run_everywhere([turns](CpuId cpu) {
            u32 random = cpu.index() + 99;
            for (u32 turn = 0; turn < turns; ++turn) {
                const u64 mine = allocate_and_sign(next_random(random) % kSizes.size(), true);
                check_and_free(slots[next_random(random) % slots.size()].exchange(mine));
            }
        });
        for (auto& slot : slots)
            check_and_free(slot.exchange(0));
    });
}

// All CPUs allocate and one CPU frees, so that whole magazines move between the CPUs.
PERCIVAL_TEST(percpu_hammer, objects_freed_on_one_cpu_return_to_the_others)
{
    constexpr u32 kPile = 300;
    static constinit std::array<u64, kPile> pile{};
    hammer([] {
        for (u32 turn = 0; turn < 6; ++turn) {
            const CpuId freeing_cpu = nth_online_cpu(turn);
            run_everywhere([&](CpuId cpu) {
                for (u32 index = cpu.index(); index < kPile; index += possible_cpu_count())
                    pile[index] = allocate_and_sign(turn % 2, true);
            });
            run_everywhere([&](CpuId cpu) {
                if (cpu != freeing_cpu)
                    return;
                for (u64& ticket : pile)
                    check_and_free(std::exchange(ticket, 0));
            });
        }
    });
}

// A thread may migrate between any two instructions, and then uses the stock of another CPU.
PERCIVAL_TEST(percpu_hammer, migrating_threads_lose_no_memory)
{
    SKIP_ABOVE_MAX_MOVED_CPUS();
    constexpr u32 kTurns = 8'000;
    const u32 threads = std::min(3 * online_cpu_count(), 16u);
    {
        auto nothing = [](u32) {};
        ThreadGroup group{threads, nothing}; // the kernel keeps the stacks, which must not count as lost
    }
    hammer([&] {
        auto body = [&](u32 number) {
            std::array<u64, 40> mine{};
            u32 random = number + 5;
            for (u32 turn = 0; turn < kTurns / threads; ++turn) {
                u64& slot = mine[next_random(random) % mine.size()];
                check_and_free(slot);
                // Few sizes, so that stocks become full and empty.
                const auto object = percpu::allocate(Bytes{kSizes[turn % 3]}, kGrain);
                wrong += !object;
                slot = object ? Ticket::of(*object, turn % 3) : 0;
                if (object)
                    sign_copies(*object, Bytes{kSizes[turn % 3]});
            }
            for (const u64 ticket : mine)
                check_and_free(ticket);
        };
        const ForcedMigration forced;
        ThreadGroup group{threads, body};
    });
}

// The handler of an alarm uses the allocator that it interrupts.
PERCIVAL_PERCPU PerCpu<u64> interrupts{};
PERCIVAL_PERCPU PerCpu<u64> successes{};

void allocate_in_alarm()
{
    interrupts.inc();
    const u64 count = interrupts.read();
    const u64 ticket = allocate_and_sign(count % 4, false);
    if (ticket != 0)
        successes.inc();
    check_and_free(ticket);
}

PERCIVAL_TEST(percpu_hammer, interrupt_handlers_can_allocate_and_free_during_an_allocation)
{
    for_each_online_cpu([](CpuId cpu) { interrupts.on(cpu) = successes.on(cpu) = 0; });
    // Most of an interrupt's time is the emulator's, not the handler's.
    hammer([alarms = interrupts_each() / 8] {
        run_everywhere([alarms](CpuId cpu) {
            if (cpu.index() >= kInterruptedCpus)
                return;
            u32 turn = 0;
            for (AlarmStorm storm{alarms, 20'000, &allocate_in_alarm}; storm.next_turn(); ++turn)
                check_and_free(allocate_and_sign(turn % 4, false));
        });
    });
    u64 allocated = 0;
    for_each_online_cpu([&allocated](CpuId cpu) { allocated += successes.on(cpu); });
    EXPECT(allocated > 0);
}

// Other CPUs look up an address while the boot CPU destroys its chunk.
PERCIVAL_TEST(percpu_hammer, addresses_of_chunks_being_destroyed_can_be_looked_up)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    // Every flush involves all CPUs. In an emulator it takes longer with more of them.
    const u32 turns = std::clamp(80 / online_cpu_count(), 2u, 20u);
    std::atomic<u64> looked_up{0};
    std::atomic<bool> over{false};
    hammer([&] {
        run_everywhere([&](CpuId cpu) {
            if (cpu != kBootCpu) {
                while (!over) {
                    const VirtAddr address{looked_up};
                    wrong += percpu::find_address(address).allocated;
                }
                return;
            }
            for (u32 turn = 0; turn < turns; ++turn) {
                PercpuHerd herd{3 * kLargestPerUnit};
                while (herd.allocate(percpu::kMaxSize)) {
                }
                looked_up = (herd[herd.size() - 1] + kGrain).raw();
                herd.free_all();
                percpu::store().balance();
            }
            over = true;
        });
    });
}

// The other CPUs spin until the boot CPU publishes an address, and read there at once: new pages are mapped
// for all CPUs.
PERCIVAL_TEST(percpu_hammer, all_cpus_reach_a_new_object_at_once)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    static constinit std::atomic<u64> published{0};
    static constinit std::atomic<u32> seen{0};
    hammer([turns = 100 / online_cpu_count() + 8] {
        run_everywhere([turns](CpuId cpu) {
            for (u32 turn = 0; turn < turns; ++turn) {
                if (cpu == kBootCpu) {
                    const VirtAddr object = percpu::allocate(percpu::kMaxSize, kGrain).value_or(VirtAddr{0});
                    published = last_grain(object, percpu::kMaxSize).raw();
                    while (seen != online_cpu_count() - 1)
                        arch::relax();
                    published = 0;
                    while (seen != 0)
                        arch::relax();
                    percpu::free(object);
                } else {
                    u64 grain = 0;
                    while ((grain = published) == 0)
                        arch::relax();
                    wrong += local_grain(VirtAddr{grain}) != 0;
                    ++seen;
                    while (published != 0)
                        arch::relax();
                    --seen;
                }
            }
        });
    });
}

} // namespace
} // namespace percival
