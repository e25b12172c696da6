// SPDX-License-Identifier: BSD-2-Clause
// The note of fixup mode under exceptions (arch/percpu_modes/fixup.hpp): nested ones, ones that another
// operation runs in, and ones that abandon the operation.
#include "arch/debug/fault_recovery.hpp"
#include "arch/percpu/ops.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/preemption.hpp"
#include "mm/address_space/layout.hpp"
#include "mm/percpu/this_cpu.hpp"
#include "tests/kernel/support/hazard_controls.hpp"
#include "tests/kernel/support/moved_operation.hpp"
#include "tests/kernel/support/percpu_modes.hpp"

namespace percival {
namespace {

using arch::PercpuMode;

PERCIVAL_PERCPU PerCpu<u64> variable{};
PERCIVAL_PERCPU PerCpu<u32> of_handler{};

constinit u16 note_left = 0;

// Looks at the note at once: whatever operates later clears it.
[[gnu::noinline]] void add_one()
{
    variable.add(1);
    asm volatile("" ::: "memory");
    note_left = preemption().percpu_note;
}

// Runs in the handler of the breakpoint: operates, and requests a move, which a second exception makes as
// soon as the first one returns.
void operate_and_move()
{
    of_handler.add(1);
    move_interrupted_thread(kTo);
    arch::send_ipi(kFrom, arch::Ipi::Reschedule);
}

void expect_fixed_up_everywhere(PercpuMode)
{
    const SilentTick silent;
    u32 places = 0, on_second = 0;
    for (const u32* instruction : executed_by(&add_one)) {
        variable.on(kFrom) = variable.on(kTo) = 0;
        const bool hit = stop_before(instruction, &add_one, &operate_and_move);
        if (!hit)
            continue;
        ++places;
        on_second += variable.on(kTo) == 1;
        EXPECT_EQ(variable.on(kFrom) + variable.on(kTo), 1u);
        EXPECT_EQ(note_left, 0u);
    }
    EXPECT(places > on_second && on_second > 4);
}

PERCIVAL_TEST(fixup, an_operation_continues_on_another_cpu_after_one_that_interrupted_it)
{
    SKIP_WITH_PERCPU_SHADOW();
    SKIP_WITHOUT_ANOTHER_CPU();
    in_a_thread_that_may_move(
        [] { for_each_kind_of_atomics(PercpuMode::Fixup, &expect_fixed_up_everywhere); });
}

// The last word of the slab has no page.
PERCIVAL_TEST(fixup, an_operation_that_a_fault_ends_leaves_no_note)
{
    SKIP_WITH_PERCPU_SHADOW();
    for_each_kind_of_atomics(PercpuMode::Fixup, [](PercpuMode) {
        const u64 last = mm::KernelLayout::kLocalPercpu.end().raw() - sizeof(u64);
        // SAFETY: only this_cpu operations use the address, and their fault is caught.
        const auto fault =
            arch::catch_fault([](void* target) { arch::percpu_add(static_cast<u64*>(target), u64{1}); },
                              reinterpret_cast<void*>(last));
        ASSERT(fault.has_value());
        EXPECT_EQ(fault->far.raw(), last + arch::read_this_cpu_distance());
        EXPECT_EQ(preemption().percpu_note, 0u);
    });
}

} // namespace
} // namespace percival
