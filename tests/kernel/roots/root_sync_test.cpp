// SPDX-License-Identifier: BSD-2-Clause
// sync_roots() adds an entry to the roots while every CPU runs on its own root.
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "mm/roots/sync.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/kernel_space.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr VirtAddr kWindow = KernelLayout::kLocalPercpu.base;

alignas(kPage.count()) constinit u64 new_memory[kPage.count() / 8] = {};

const Pte* entries(PhysAddr table)
{
    return mm::kernel_tables().table(table);
}

// Returns the lowest address that the private tables of `level` serve.
VirtAddr lowest_address(Level level)
{
    return level == KernelGeometry::kRootLevel ? KernelGeometry::kKernelBase
                                               : kWindow.align_down(KernelGeometry::entry_size(level.up()));
}

// Returns an address for which no CPU has an entry in its private table of `level`, if there is one. Each run
// of the test uses one up, because entries are never cleared.
std::optional<VirtAddr> address_without_entry(Level level)
{
    const Pte* table = entries(mm::master_table_of(level));
    for (u64 index = 0; index < KernelGeometry::entries(level); ++index) {
        const VirtAddr at = lowest_address(level) + KernelGeometry::entry_size(level) * index;
        const bool is_walked = !mm::folded_to_48_bits || at >= mm::kFoldedKernelBase;
        // The window's entries are missing in the master too.
        const VirtRange entry{at, KernelGeometry::entry_size(level)};
        const bool is_window =
            KernelLayout::kLocalPercpu.overlaps(entry) || KernelLayout::kLocalShadow.overlaps(entry);
        if (is_walked && !is_window && table[index].kind(level) == mm::PteKind::Invalid)
            return at;
    }
    return std::nullopt;
}

// Returns the number of possible CPUs, online or not, whose entry for `at` is not the master's; one more if
// the master has none.
u64 cpus_without(Level level, VirtAddr at)
{
    const u64 index = KernelGeometry::index(level, at);
    const Pte wanted = entries(mm::master_table_of(level))[index];
    u64 without = wanted.kind(level) != mm::PteKind::Table;
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        without += entries(mm::private_table(CpuId{cpu}, level))[index] != wanted;
    return without;
}

// The other CPUs spin on `pointer` and read through it as soon as they see it.
struct Meeting {
    std::atomic<const volatile u64*> pointer{nullptr};
    std::atomic<u32> spinning{0};
    std::atomic<u32> right{0}; // CPUs that have read the right value

    void wait_and_read()
    {
        spinning.fetch_add(1, std::memory_order_relaxed);
        const volatile u64* seen;
        while ((seen = pointer.load(std::memory_order_acquire)) == nullptr)
            arch::relax();
        right.fetch_add(*seen == new_memory[0], std::memory_order_relaxed);
    }
};

// Syncs the roots for `at` and maps memory there while all other CPUs wait for the address. Checks that all
// of them read the memory at once.
void add_memory_at(VirtAddr at, Level level)
{
    constinit static u64 serial = 0x1000;
    new_memory[0] = ++serial;
    Meeting meeting;
    run_everywhere([&](CpuId cpu) {
        if (cpu != kBootCpu)
            return meeting.wait_and_read();
        while (meeting.spinning.load(std::memory_order_relaxed) != online_cpu_count() - 1)
            arch::relax();
        const VirtRange page{at, kPage};
        const bool mapped =
            mm::sync_roots(page).has_value() &&
            mm::master_table().map(page, mm::image_to_physical(new_memory), mm::kReadOnlyData).has_value();
        EXPECT(mapped);
        // After a failure the other CPUs get an address that is mapped, because they must not spin forever.
        meeting.pointer.store(mapped ? reinterpret_cast<u64*>(at.raw()) : new_memory,
                              std::memory_order_release);
    });
    EXPECT_EQ(meeting.right.load(), online_cpu_count() - 1);
    EXPECT_EQ(cpus_without(level, at), 0u);
    unmap({at, kPage});
}

PERCIVAL_TEST(root_sync, new_entry_serves_all_waiting_cpus_at_once)
{
    u32 levels = 0;
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel;
         level = level.down()) {
        if (const auto at = address_without_entry(level)) {
            EXPECT(!arch::translate(*at).valid);
            add_memory_at(*at, level);
            ++levels;
        }
    }
    if (levels == 0)
        SKIP("every entry of the private tables is in use");
}

PERCIVAL_TEST(root_sync, a_cpu_that_was_offline_has_the_new_entry_when_it_is_back)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const auto at = address_without_entry(KernelGeometry::kRootLevel);
    if (!at)
        SKIP("every entry of the root is in use");
    const CpuId cpu = last_online_cpu();
    const VirtRange page{*at, kPage};
    new_memory[0] = 0x2000;
    {
        const Away away{cpu};
        ASSERT(
            mm::sync_roots(page).has_value() &&
            mm::master_table().map(page, mm::image_to_physical(new_memory), mm::kReadOnlyData).has_value());
    }
    u64 seen = 0;
    // SAFETY: the page of new_memory is mapped here.
    call_on(cpu, [&] { seen = *reinterpret_cast<const volatile u64*>(at->raw()); });
    EXPECT_EQ(seen, 0x2000u);
    EXPECT_EQ(cpus_without(KernelGeometry::kRootLevel, *at), 0u);
    unmap(page);
}

PERCIVAL_TEST(root_sync, existing_entries_stay_unchanged)
{
    const auto count_differences = [](Level level, const auto& other) {
        const Pte* own = entries(mm::private_table(kBootCpu, level));
        u64 differences = 0;
        for (u64 index = 0; index < KernelGeometry::entries(level); ++index)
            differences += own[index] != other[index];
        return differences;
    };
    static constinit Pte before[kPage.count() / sizeof(Pte)] = {};
    const u64 tables = mm::kernel_tables().tables_made();
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel;
         level = level.down()) {
        __builtin_memcpy(before, entries(mm::private_table(kBootCpu, level)), sizeof before);
        EXPECT(mm::sync_roots(KernelLayout::kVmalloc).has_value());
        EXPECT(mm::sync_roots(KernelLayout::kLocalPercpu).has_value());
        EXPECT_EQ(count_differences(level, before), 0u);
    }
    EXPECT_EQ(mm::kernel_tables().tables_made(), tables);
}

} // namespace
} // namespace percival
