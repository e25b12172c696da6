// SPDX-License-Identifier: BSD-2-Clause
// All CPUs and interrupt handlers use vmalloc() at once: no address and no page is handed out twice, nothing
// is lost, and all CPUs reach what one CPU maps.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/percpu/percpu.hpp"
#include "tests/kernel/support/alarm_storm.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/interrupted_cpus.hpp"
#include "tests/kernel/support/vm_support.hpp"

#include <array>
#include <atomic>

namespace percival {
namespace {

// Number of errors that the CPUs found. hammer() reports them once, instead of each CPU in every turn.
constinit std::atomic<u64> wrong{0};

// Allocates pages that carry their number and a signature, so that any CPU can check them before it frees
// them.
void* allocate_and_sign(u64 pages, u64 signature)
{
    const auto memory = mm::vmalloc(kPage * pages);
    if (!memory) {
        ++wrong;
        return nullptr;
    }
    sign_pages(*memory, pages, signature);
    auto* words = static_cast<volatile u64*>(*memory);
    words[1] = pages;
    words[2] = signature;
    return *memory;
}

// Checks the signature of an allocation and frees it; ignores null.
void check_and_free(void* memory)
{
    if (memory == nullptr)
        return;
    const auto* words = static_cast<const volatile u64*>(memory);
    if (!are_signed(memory, words[1], words[2]))
        ++wrong;
    mm::vfree(memory);
}

u64 max_pages()
{
    return std::clamp<u64>(share_of_memory().count() / kPage.count() / 4, 1, 40);
}

// Runs `action` and expects that it finds no errors and leaks no pages or areas. How the CPUs meet decides
// which tables are needed, so hammer() makes all of them first.
template <class F>
void hammer(F action)
{
    constexpr Bytes kReached{std::min<u64>(512 << 20, mm::KernelLayout::kVmalloc.size.count() / 8)};
    ASSERT(mm::master_table()
               .ensure_tables({mm::KernelLayout::kVmalloc.base, kReached}, mm::kLastLevel.up())
               .has_value());
    wrong = 0;
    const VmUse before = vm_use();
    const u64 bad_frees = mm::memory_statistics().bad_frees;
    action();
    expect_same_use(before);
    EXPECT_EQ(mm::memory_statistics().bad_frees, bad_frees);
    EXPECT_EQ(wrong.load(), 0u);
}

PERCIVAL_TEST(vmalloc_hammer, all_cpus_allocate_and_free_random_sizes)
{
    hammer([max = max_pages(), turns = 160 / online_cpu_count() + 2] {
        run_everywhere([=](CpuId cpu) {
            std::array<void*, 3> mine{};
            u32 random = cpu.index() * 7919 + 1;
            for (u32 turn = 0; turn < turns; ++turn) {
                void*& slot = mine[turn % mine.size()];
                check_and_free(slot);
                slot = allocate_and_sign(next_random(random) % max + 1, u64{cpu.index()} << 32 | turn);
            }
            for (void* memory : mine)
                check_and_free(memory);
        });
    });
}

// The CPUs share a few slots. Each CPU puts its new allocation into a slot and frees the one that it finds
// there.
PERCIVAL_TEST(vmalloc_hammer, memory_can_be_freed_on_another_cpu)
{
    static constinit std::array<std::atomic<void*>, 13> slots{};
    hammer([max = std::min<u64>(max_pages(), 18), turns = 400 / online_cpu_count() + 5] {
        run_everywhere([=](CpuId cpu) {
            u32 random = cpu.index() + 99;
            for (u32 turn = 0; turn < turns; ++turn) {
                void* mine = allocate_and_sign(next_random(random) % max + 1, u64{cpu.index()} << 32 | turn);
                check_and_free(slots[(turn * 11 + cpu.index()) % slots.size()].exchange(mine));
            }
        });
        for (auto& slot : slots)
            check_and_free(slot.exchange(nullptr));
    });
}

// All CPUs free the same allocation. One succeeds, and the frees of the others are refused.
PERCIVAL_TEST(vmalloc_hammer, only_one_of_several_frees_of_one_allocation_succeeds)
{
    const u32 turns = 12 / online_cpu_count() + 1;
    for (u32 turn = 0; turn < turns; ++turn) {
        const auto memory = mm::vmalloc(kPage * 17);
        ASSERT(memory.has_value());
        const u64 refused = mm::memory_statistics().bad_frees;
        run_everywhere([&memory](CpuId) { mm::vfree(*memory); });
        EXPECT_EQ(mm::memory_statistics().bad_frees, refused + online_cpu_count() - 1);
    }
    expect_nothing_kept([] {});
}

// The other CPUs spin until the boot CPU publishes an address, and read from it at once.
PERCIVAL_TEST(vmalloc_hammer, new_mapping_is_reachable_on_all_cpus_at_once)
{
    SKIP_WITHOUT_ANOTHER_CPU();
    static constinit std::atomic<u64*> published{nullptr};
    static constinit std::atomic<u32> seen{0};
    hammer([turns = 32 / online_cpu_count() + 2] {
        run_everywhere([turns](CpuId cpu) {
            for (u32 turn = 1; turn <= turns; ++turn) {
                if (cpu == kBootCpu) {
                    auto* memory = static_cast<u64*>(*mm::vmalloc(kPage * (turn % 20 + 1)));
                    memory[1] = turn;
                    seen = 0;
                    published.store(memory, std::memory_order_release);
                    while (seen != online_cpu_count() - 1)
                        arch::relax();
                    published = nullptr;
                    while (seen != 0)
                        arch::relax();
                    mm::vfree(memory);
                } else {
                    u64* memory = nullptr;
                    while ((memory = published.load(std::memory_order_acquire)) == nullptr)
                        arch::relax();
                    wrong += __atomic_load_n(&memory[1], __ATOMIC_RELAXED) != turn;
                    ++seen;
                    while (published.load() != nullptr)
                        arch::relax();
                    --seen;
                }
            }
        });
    });
}

// Number of alarms on each CPU. Their handler allocates and frees like the loop that it interrupts.
PERCIVAL_PERCPU PerCpu<u64> interrupts{};

void allocate_in_alarm()
{
    interrupts.inc();
    const u64 count = interrupts.read();
    check_and_free(allocate_and_sign(count % 3 + 1, ~count));
}

PERCIVAL_TEST(vmalloc_hammer, interrupt_handlers_may_allocate_and_free)
{
    for_each_online_cpu([](CpuId cpu) { interrupts.on(cpu) = 0; });
    hammer([alarms = interrupts_each() / 4] {
        run_everywhere([alarms](CpuId cpu) {
            if (cpu.index() >= kInterruptedCpus)
                return;
            u64 turn = 0;
            for (AlarmStorm storm{alarms, 100'000, &allocate_in_alarm}; storm.next_turn(); ++turn)
                check_and_free(allocate_and_sign(turn % 3 + 1, u64{cpu.index()} << 32 | turn));
        });
    });
}

} // namespace
} // namespace percival
