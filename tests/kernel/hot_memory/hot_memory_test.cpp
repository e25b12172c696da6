// SPDX-License-Identifier: BSD-2-Clause
// Adds and removes the memory that memory.later has held back: it is used and counted while it is there,
// pages in use keep it, and nothing is left when it has gone.
#include "arch/debug/fault_recovery.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/init/memory_later.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/hot_memory/hot_memory.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/pages/page_cache.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "mm/roots/check.hpp"
#include "mm/vmalloc/vmalloc.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/page_hoard.hpp"
#include "tests/kernel/support/thread_group.hpp"
#include "tests/kernel/support/vm_support.hpp"

#include <atomic>

namespace percival {
namespace {

// A node that no CPU is on: allocations near it get the memory that was added, and others use it last.
constexpr mm::NumaNode kFarNode{1000};

// Adds a range for the lifetime of the object.
class AddedMemory : Immovable {
public:
    AddedMemory(PhysRange range, mm::NumaNode node) : range_{range}
    {
        EXPECT(mm::add_memory(range, node).has_value());
    }
    ~AddedMemory() { EXPECT(mm::remove_memory(range_).has_value()); }

private:
    PhysRange range_;
};

// Removes the memory that was held back at boot, and adds it again in the end.
class HeldBack : Immovable {
public:
    HeldBack() { EXPECT(mm::remove_memory(range()).has_value()); }
    ~HeldBack() { EXPECT(mm::add_memory(range(), node()).has_value()); }

    static PhysRange range() { return held_back_memory()->range; }
    static mm::NumaNode node() { return mm::NumaNode{held_back_memory()->numa_node}; }
};

#define NEEDS_HELD_BACK_MEMORY() \
    if (!held_back_memory())     \
    SKIP("memory.later has held nothing back here")

bool is_mapped_to_itself(PhysAddr page)
{
    const auto translation = arch::translate(mm::linear_address(page));
    return translation.valid && translation.address == page;
}

PERCIVAL_TEST(hot_memory, added_memory_can_be_allocated_and_is_counted)
{
    NEEDS_HELD_BACK_MEMORY();
    const HeldBack region;
    const auto before = mm::memory_statistics();
    {
        const AddedMemory added{region.range(), kFarNode};
        const auto now = mm::memory_statistics();
        EXPECT_EQ(now.total, before.total + region.range().size);
        EXPECT_EQ((now.free + now.used + now.reserved) - (before.free + before.used + before.reserved),
                  region.range().size);
        EXPECT(now.reserved - before.reserved < Bytes{region.range().size.count() / 64});
        // All blocks but the one that has the descriptors; of a large region only some, because the
        // emulator's host has to find memory for them.
        const u64 blocks = std::min<u64>(region.range().size / mm::kHotMemoryUnit - 1, 64);
        PageHoard hoard;
        u64 wrong = 0;
        for (u64 block = 0; block < blocks; ++block) {
            ASSERT(hoard.take_near(kFarNode, mm::kMaxPageOrder));
            auto* words = mm::linear_pointer<volatile u64>(hoard.last());
            *words = hoard.last().raw();
            wrong += *words != hoard.last().raw() || !region.range().contains(hoard.last());
        }
        EXPECT_EQ(wrong, 0u);
    }
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.total, before.total);
    EXPECT_EQ(after.free, before.free);
    EXPECT_EQ(after.reserved, before.reserved);
}

PERCIVAL_TEST(hot_memory, pages_in_use_keep_the_memory_and_are_counted)
{
    NEEDS_HELD_BACK_MEMORY();
    const HeldBack region;
    const AddedMemory added{region.range(), kFarNode};
    const auto block = mm::allocate_pages_near(kFarNode, mm::PageOrder{3});
    const auto page = mm::allocate_pages_near(kFarNode, mm::kOnePage);
    ASSERT(block && page);
    EXPECT(region.range().contains(*block) && region.range().contains(*page));
    const auto before = mm::memory_statistics();
    const auto removed = mm::remove_memory(region.range());
    ASSERT(!removed);
    EXPECT(removed.error().reason == mm::RemoveError::Reason::InUse);
    EXPECT_EQ(removed.error().pages_in_use, 9u);
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.total, before.total);
    EXPECT_EQ(after.free, before.free);
    const auto another = mm::allocate_pages_near(kFarNode, mm::kOnePage);
    EXPECT(another && region.range().contains(*another) && is_mapped_to_itself(*block));
    for (const auto single : {page, another})
        mm::free_page(*single);
    mm::free_pages(*block, mm::PageOrder{3});
}

// All memory is in use, so that every CPU's cache gets pages of the region.
PERCIVAL_TEST(hot_memory, pages_in_page_caches_are_free)
{
    NEEDS_HELD_BACK_MEMORY();
    if (mm::memory_statistics().total > PageHoard::kMax)
        SKIP("the emulator may not have all that memory");
    const HeldBack region;
    PageHoard hoard;
    const auto for_tables = mm::allocate_pages(mm::kMaxPageOrder);
    ASSERT(for_tables);
    hoard.take_everything();
    drain_all_page_caches();
    hoard.take_everything();
    mm::free_pages(*for_tables, mm::kMaxPageOrder);
    const AddedMemory added{region.range(), mm::this_cpu_node()};
    while (hoard.take(mm::kOnePage) && !region.range().contains(hoard.last())) {
    }
    std::atomic<u32> cached{0};
    run_everywhere([&](CpuId) {
        const auto page = mm::allocate_page();
        if (!page)
            return;
        cached.fetch_add(region.range().contains(*page));
        mm::free_page(*page);
    });
    EXPECT(cached.load() != 0);
    hoard.free_all();
}

PERCIVAL_TEST(hot_memory, no_cpu_reaches_memory_that_is_gone)
{
    NEEDS_HELD_BACK_MEMORY();
    const HeldBack region;
    const auto bad_before = mm::memory_statistics().bad_frees;
    const auto touch = [](void* at) { static_cast<void>(*static_cast<volatile u64*>(at)); };
    const PhysAddr last = region.range().end() - kPage;
    {
        const AddedMemory added{region.range(), kFarNode};
        run_everywhere([&](CpuId) { touch(mm::linear_pointer<void>(last)); });
    }
    std::atomic<u32> faults{0};
    run_everywhere([&](CpuId) {
        faults.fetch_add(arch::catch_fault(touch, mm::linear_pointer<void>(last)).has_value());
    });
    EXPECT_EQ(faults.load(), online_cpu_count());
    mm::free_page(last);
    mm::free_pages(region.range().base, mm::PageOrder{2});
    EXPECT_EQ(mm::memory_statistics().bad_frees, bad_before + 2);
}

PERCIVAL_TEST(hot_memory, a_removal_frees_every_table_that_the_memory_needed)
{
    NEEDS_HELD_BACK_MEMORY();
    const HeldBack region; // the roots' entries stay, and were made for the first addition
    const auto tables = mm::kernel_tables().tables_made();
    const auto used = mm::memory_statistics().used;
    {
        const AddedMemory added{region.range(), kFarNode};
    }
    EXPECT_EQ(mm::kernel_tables().tables_made(), tables);
    EXPECT_EQ(mm::memory_statistics().used, used);
}

PERCIVAL_TEST(hot_memory, every_possible_cpu_has_the_roots_entries)
{
    NEEDS_HELD_BACK_MEMORY();
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        EXPECT(mm::root_agrees_with_master(CpuId{cpu}));
}

PERCIVAL_TEST(hot_memory, a_cpu_that_was_offline_reaches_memory_that_was_added_meanwhile)
{
    NEEDS_HELD_BACK_MEMORY();
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = last_online_cpu();
    const HeldBack region;
    std::optional<AddedMemory> added;
    {
        const Away away{cpu};
        added.emplace(region.range(), kFarNode);
    }
    *mm::linear_pointer<volatile u64>(region.range().end() - Bytes{8}) = 0x1234;
    u64 seen = 0;
    call_on(cpu, [&] { seen = *mm::linear_pointer<volatile u64>(region.range().end() - Bytes{8}); });
    EXPECT_EQ(seen, 0x1234u);
}

PERCIVAL_TEST(hot_memory, wrong_ranges_are_refused_and_change_nothing)
{
    NEEDS_HELD_BACK_MEMORY();
    const HeldBack region;
    const auto before = mm::memory_statistics();
    using Error = mm::HotMemoryError;
    const auto refused = [](PhysRange range) {
        const auto added = mm::add_memory(range, kFarNode);
        return EXPECT(!added.has_value()) ? std::optional{added.error()} : std::nullopt;
    };
    const auto [base, size] = region.range();
    EXPECT(refused({base, Bytes{0}}) == Error::Empty);
    EXPECT(refused({base + kPage, size}) == Error::Misaligned);
    EXPECT(refused({base, size - kPage}) == Error::Misaligned);
    EXPECT(refused({this_machine().memory[0].range.base.align_up(mm::kHotMemoryUnit), mm::kHotMemoryUnit}) ==
           Error::IsMemory);
    EXPECT(refused({PhysAddr{~u64{0}}.align_down(mm::kHotMemoryUnit), mm::kHotMemoryUnit * 2}) ==
           Error::OutOfReach);
    {
        const AddedMemory added{region.range(), kFarNode};
        EXPECT(refused({base, mm::kHotMemoryUnit}) == Error::IsMemory);
        EXPECT(!mm::remove_memory({base, mm::kHotMemoryUnit * 2 + size}));
    }
    const auto gone = mm::remove_memory(region.range());
    EXPECT(!gone && gone.error().reason == mm::RemoveError::Reason::NotAdded);
    EXPECT_EQ(mm::memory_statistics().total, before.total);
    EXPECT_EQ(mm::memory_statistics().free, before.free);
}

// What the threads of the hammer do until it is over. `wrong` counts memory that another owner has written
// to.
struct Hammer {
    std::atomic<bool> over{false};
    std::atomic<u64> wrong{0};
    std::atomic<u64> far_blocks{0}; // blocks of the memory that comes and goes
    PhysRange region{};

    void operator()(u32 number)
    {
        u32 random = number * 7919 + 1;
        while (!over.load(std::memory_order_relaxed)) {
            use_far_block(next_random(random), number);
            use_page(number);
            use_object(number);
            if (next_random(random) % 8 == 0)
                use_area(number);
            if (next_random(random) % 8 == 0)
                use_percpu(number);
        }
    }

    void use_far_block(u32 random, u32 number)
    {
        const mm::PageOrder order{random % 5};
        const auto block = mm::allocate_pages_near(kFarNode, order);
        if (!block)
            return;
        far_blocks.fetch_add(region.contains(*block), std::memory_order_relaxed);
        auto* words = mm::linear_pointer<void>(*block);
        sign_pages(words, order.pages(), u64{number} << 32);
        wrong.fetch_add(!are_signed(words, order.pages(), u64{number} << 32));
        mm::free_pages(*block, order);
    }
    void use_page(u32 number)
    {
        if (const auto page = mm::allocate_page()) {
            sign_pages(mm::linear_pointer<void>(*page), 1, number);
            wrong.fetch_add(!are_signed(mm::linear_pointer<void>(*page), 1, number));
            mm::free_page(*page);
        }
    }
    void use_object(u32 number)
    {
        if (auto* object = static_cast<volatile u64*>(mm::allocate_object(Bytes{64}))) {
            *object = number;
            wrong.fetch_add(*object != number);
            mm::free_object(const_cast<u64*>(object), Bytes{64});
        }
    }
    void use_area(u32 number)
    {
        if (const auto area = mm::vmalloc(kPage * 3)) {
            sign_pages(*area, 3, number);
            wrong.fetch_add(!are_signed(*area, 3, number));
            mm::vfree(*area);
        }
    }
    void use_percpu(u32 number)
    {
        if (const auto object = percpu::allocate(Bytes{64}, Bytes{8})) {
            static_cast<void>(number);
            percpu::free(*object);
        }
    }
};

PERCIVAL_TEST(hot_memory, comes_and_goes_beside_all_allocators_and_nothing_is_lost)
{
    NEEDS_HELD_BACK_MEMORY();
    constexpr u32 kRounds = 8;
    const HeldBack region;
    static constinit Hammer hammer;
    hammer.over.store(false);
    hammer.wrong.store(0);
    hammer.far_blocks.store(0);
    hammer.region = region.range();
    const auto before = mm::memory_statistics();
    u32 removed = 0;
    {
        ThreadGroup<Hammer> threads{std::min(online_cpu_count() + 1, 16u), hammer};
        for (u32 round = 0; round < kRounds; ++round) {
            if (!EXPECT(mm::add_memory(region.range(), kFarNode).has_value()))
                break;
            const u64 blocks = hammer.far_blocks.load();
            while (hammer.far_blocks.load() - blocks < 20)
                sleep_for_nanoseconds(100'000);
            // The hammers give back all that they take, but one of them may stand still with a block.
            while (!mm::remove_memory(region.range())) {
            }
            ++removed;
        }
        hammer.over.store(true);
    }
    EXPECT_EQ(removed, kRounds);
    EXPECT_EQ(hammer.wrong.load(), 0u);
    const auto after = mm::memory_statistics();
    EXPECT_EQ(after.total, before.total);
    EXPECT_EQ(after.bad_frees, before.bad_frees);
    EXPECT_EQ(after.late_writes, before.late_writes);
    EXPECT_EQ(after.free + after.used + after.reserved, after.total);
}

} // namespace
} // namespace percival
