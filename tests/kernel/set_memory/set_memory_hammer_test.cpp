// SPDX-License-Identifier: BSD-2-Clause
// All CPUs call set_memory() at random, each on pages of its own, beside allocators and merges. The pages are
// neighbours of other CPUs' pages in the same blocks.
#include "kernel/wait/run_everywhere.hpp"
#include "mm/merge/background_merge.hpp"
#include "tests/kernel/support/set_memory_support.hpp"
#include "tests/kernel/support/vm_support.hpp"

#include <array>
#include <atomic>

namespace percival {
namespace {

constexpr u32 kCalls = 10'000; // of all CPUs together

constinit std::atomic<u64> wrong{0};

// A page whose state is known.
class KnownPage : Immovable {
public:
    void change(MemoryChange change)
    {
        const auto protection = mm::changed_protection(protection_, change);
        const auto error = error_of(page_.range(), change);
        expect(error == (protection ? std::nullopt : std::optional{protection.error()}));
        if (error)
            return;
        protection_ = *protection;
        is_valid_ = change == MemoryChange::Valid || (is_valid_ && change != MemoryChange::Invalid);
    }
    void check() const
    {
        if (!is_valid_)
            expect(is_a_hole(page_.address()));
        else if (protection_ == mm::Protection::ReadWrite)
            expect(!write_to(page_.address()));
        else
            expect(refuses_writes(page_.address()));
    }
    bool can_change() const { return page_.can_change(); }

private:
    static void expect(bool holds)
    {
        if (!holds)
            ++wrong;
    }

    LinearPage page_{};
    mm::Protection protection_{mm::Protection::ReadWrite};
    bool is_valid_{true};
};

void allocate_and_free(u32& random)
{
    const auto order = mm::PageOrder{next_random(random) % 3};
    const auto block = mm::allocate_pages(order);
    const auto area = mm::vmalloc(kPage * (next_random(random) % 5 + 1));
    if (block) {
        word_at(mm::linear_address(*block)) = random;
        mm::free_pages(*block, order);
    }
    if (area)
        mm::vfree(*area);
}

PERCIVAL_TEST(set_memory_hammer, random_changes_by_all_cpus_beside_allocators_hold_everywhere)
{
    {
        const LinearPage page;
        SKIP_UNLESS_IT_CAN_CHANGE(page);
    }
    wrong = 0;
    const u32 turns = kCalls / online_cpu_count() + 1;
    run_everywhere([turns](CpuId cpu) {
        std::array<KnownPage, 3> pages{};
        u32 random = cpu.index() * 7919 + 1;
        for (u32 turn = 0; turn < turns; ++turn) {
            KnownPage& page = pages[next_random(random) % pages.size()];
            page.change(static_cast<MemoryChange>(next_random(random) % 6));
            page.check();
            if (turn % 16 == 0)
                allocate_and_free(random);
            if (turn % 64 == 0 && cpu == kBootCpu)
                mm::merge_now();
        }
    });
    EXPECT_EQ(wrong.load(), 0u);
    mm::merge_now();
}

} // namespace
} // namespace percival
