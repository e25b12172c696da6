// SPDX-License-Identifier: BSD-2-Clause
// A fault within an operation of fixup mode that is over when the handler looks again
// (mm/kernel_map/spurious_fault.hpp): the operation continues, on whatever CPU its thread is on then.
#include "arch/exceptions/registers.hpp"
#include "arch/percpu/ops.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/live_break.hpp"
#include "mm/kernel_map/spurious_fault.hpp"
#include "mm/pages/page_allocator.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/kernel_space.hpp"
#include "tests/kernel/support/moved_operation.hpp"
#include "tests/kernel/support/percpu_modes.hpp"

#include <atomic>
#include <optional>

namespace percival {
namespace {

using arch::PercpuMode;

// A page at the end of each slab that nothing uses. Each fault is on a word of its own, so that what FAR_EL1
// keeps of an earlier one is not taken for it.
constexpr VirtAddr kLocal = KernelLayout::kLocalPercpu.end() - kPage;
constinit u64 next_word = 0;

// Where the next exception of the operating thread saves its registers; null while that may move.
constinit std::atomic<arch::Registers*> frame{nullptr};
constinit u16 note_left = 0;

// Calls nothing, so the stack pointer that is read is that of the operation.
[[gnu::noinline]] void add_one(u64* target)
{
    u64 sp;
    asm volatile("mov %0, sp" : "=r"(sp));
    // SAFETY: an exception saves its registers right below SP; they are looked at during the exception only.
    frame.store(reinterpret_cast<arch::Registers*>(sp) - 1, std::memory_order_release);
    arch::percpu_add(target, u64{1});
    asm volatile("" ::: "memory");
    note_left = preemption().percpu_note;
}

VirtRange page_of(CpuId cpu)
{
    return {mm::local_to_global(kLocal, cpu), kPage};
}

// The page of a CPU, mapped or not.
class SlabPage : Immovable {
public:
    explicit SlabPage(CpuId cpu) : cpu_{cpu}, page_{mm::allocate_page()} { ASSERT(page_.has_value()); }
    ~SlabPage()
    {
        unmap(page_of(cpu_));
        mm::free_page(*page_);
    }
    void map() const { EXPECT(mm::master_table().map(page_of(cpu_), *page_, mm::kData).has_value()); }
    u64& word(u64 number) const { return mm::linear_pointer<u64>(*page_)[number]; }

private:
    CpuId cpu_;
    std::optional<PhysAddr> page_;
};

// Waits for the fault at `address` in the operating thread, whose handler waits for a break that it believes
// to be in progress. Then maps the page, and ends the break. If `moves`, the thread has to leave its CPU as
// soon as the handler returns, before the operation is tried again.
void end_fault(Thread& thread, VirtAddr address, const SlabPage& page, bool moves)
{
    while (frame.load(std::memory_order_acquire) == nullptr)
        arch::relax();
    const std::atomic_ref far{frame.load(std::memory_order_relaxed)->far};
    while (far.load(std::memory_order_acquire) != address.raw())
        arch::relax();
    page.map();
    if (moves)
        set_affinity(thread, CpuSet::only(kTo));
    mm::live_breaks.ended.fetch_add(1, std::memory_order_release);
}

struct Copies {
    u64 on_first;
    u64 on_second;
    friend bool operator==(const Copies&, const Copies&) = default;
};

// Adds 1 on kFrom where its page is not mapped yet. Returns what came of it.
Copies add_under_a_fault(bool moves)
{
    go_to(kFrom);
    const SlabPage first{kFrom}, second{kTo};
    second.map();
    const u64 word = next_word++ % kWordsPerPage;
    first.word(word) = second.word(word) = 0;
    const VirtAddr local = kLocal + Bytes{word * sizeof(u64)};
    const u64 faults = mm::spurious_faults.on(kFrom);
    frame.store(nullptr);
    std::atomic<bool> is_watched{false};
    Thread& self = current_thread();
    auto watch = [&](u32) {
        is_watched.store(true);
        end_fault(self, mm::local_to_global(local, kFrom), first, moves);
    };
    {
        ThreadGroup group{1, watch, [](u32) { return on_cpu(kTo); }};
        while (!is_watched.load())
            arch::relax();
        mm::live_breaks.begun.fetch_add(1, std::memory_order_release);
        // SAFETY: only a this_cpu operation uses the address.
        add_one(reinterpret_cast<u64*>(local.raw()));
        EXPECT_EQ(note_left, 0u);
    }
    EXPECT(mm::spurious_faults.on(kFrom) != faults);
    return {first.word(word), second.word(word)};
}

PERCIVAL_TEST(fixup_fault, an_operation_continues_after_a_fault_that_is_over)
{
    SKIP_WITH_PERCPU_SHADOW();
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move([] {
        for_each_kind_of_atomics(PercpuMode::Fixup, [](PercpuMode) {
            EXPECT(add_under_a_fault(false) == Copies{.on_first = 1, .on_second = 0});
        });
    });
}

// On some machines the interrupt that moves the thread may come only after the operation, which takes
// another round then.
PERCIVAL_TEST(fixup_fault, an_operation_continues_on_another_cpu_after_a_fault_that_is_over)
{
    SKIP_WITH_PERCPU_SHADOW();
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move([] {
        for_each_kind_of_atomics(PercpuMode::Fixup, [](PercpuMode) {
            u32 on_second = 0;
            for (u32 round = 0; round < 20 && on_second == 0; ++round) {
                const Copies copies = add_under_a_fault(true);
                EXPECT_EQ(copies.on_first + copies.on_second, 1u);
                on_second += copies.on_second == 1;
            }
            EXPECT(on_second != 0);
        });
    });
}

} // namespace
} // namespace percival
