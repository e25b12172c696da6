// SPDX-License-Identifier: BSD-2-Clause
// Tests that RAM comes and goes as a virtio-mem device requests. The boot rows ask the device for another
// size when they see the remarks (tests/boot/rows_virtio_mem.py).
#include "kernel/virtio_mem/virtio_mem.hpp"

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"
#include "tests/kernel/support/page_hoard.hpp"

#include <optional>

namespace percival {
namespace {

constexpr u64 kLookEvery = 10'000'000; // ns
constexpr u64 kSignature = 0x5ca1'ab1e'0ddb'a115;

// Waits until holds(progress); the self-tests' time limit ends a wait that is in vain. Returns what held.
VirtioMemProgress wait_until(auto holds)
{
    for (;;) {
        const auto progress = virtio_mem_progress();
        if (!EXPECT(progress.has_value()) || holds(*progress))
            return progress.value_or(VirtioMemProgress{});
        sleep_for_nanoseconds(kLookEvery);
    }
}

// Says on the console what the row is waiting for.
void say(const char* what)
{
    print("# virtio_mem: {}", what);
}

bool is_of_the_banks(PhysAddr page)
{
    for (const MemoryBank& bank : this_machine().memory) {
        if (bank.range.contains(page))
            return true;
    }
    return false;
}

// Takes pages until one is memory that was added, and gives back the others.
std::optional<PhysAddr> take_added_page()
{
    PageHoard others;
    for (;;) {
        const auto page = mm::allocate_page();
        if (!page || !is_of_the_banks(*page))
            return page;
        mm::free_page(*page);
        if (!others.take(mm::kOnePage))
            return std::nullopt;
    }
}

// Takes all memory, and gives it back. Returns how much it was.
Bytes memory_that_can_be_taken()
{
    PageHoard all;
    all.take_everything();
    return mm::KernelGeometry::kPageSize * all.pages();
}

PERCIVAL_TEST_MANUAL(virtio_mem, memory_comes_and_goes_and_what_is_in_use_stays)
{
    if (!virtio_mem_progress())
        SKIP("there is no virtio-mem device");
    const auto is_gone = [](const VirtioMemProgress& now) {
        return now.requested == Bytes{0} && now.added == Bytes{0};
    };
    wait_until(is_gone);
    const Bytes before = mm::memory_statistics().total;

    say("waits for memory");
    const VirtioMemProgress grown = wait_until(
        [](const VirtioMemProgress& now) { return now.requested != Bytes{0} && now.added == now.requested; });
    EXPECT_EQ(mm::memory_statistics().total, before + grown.added);
    EXPECT(memory_that_can_be_taken() > grown.added);
    const auto held = take_added_page();
    ASSERT(held.has_value());
    *mm::linear_pointer<u64>(*held) = kSignature;

    say("holds a page of it");
    wait_until(
        [](const VirtioMemProgress& now) { return now.requested == Bytes{0} && now.added == now.unit; });
    EXPECT_EQ(mm::memory_statistics().total, before + grown.unit);
    EXPECT_EQ(*mm::linear_pointer<u64>(*held), kSignature);
    mm::free_page(*held);
    wait_until(is_gone);
    EXPECT_EQ(mm::memory_statistics().total, before);
    EXPECT(memory_that_can_be_taken() < before);
}

} // namespace
} // namespace percival
