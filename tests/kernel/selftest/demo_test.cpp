// SPDX-License-Identifier: BSD-2-Clause
// Tests that end badly on purpose, one for each way in which a run can end. They show that report and verdict
// are right. They run only by their full names.
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "arch/percpu/register.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/stop_machine.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/ro_after_init.hpp"
#include "tests/kernel/support/endless_recursion.hpp"

namespace percival {
namespace {

PERCIVAL_TEST_MANUAL(demo, fails)
{
    EXPECT_EQ(1 + 1, 3u);
}

PERCIVAL_TEST_MANUAL(demo, panics)
{
    panic("this panic was requested by {}", "demo.panics");
}

PERCIVAL_TEST_MANUAL(demo, stops_the_machine_in_run_everywhere)
{
    run_everywhere([](CpuId) { stop_machine([] {}); });
}

PERCIVAL_TEST_MANUAL(demo, hangs)
{
    for (;;)
        arch::relax();
}

PERCIVAL_TEST_MANUAL(demo, hangs_with_interrupts_masked)
{
    if (online_cpu_count() == 1)
        SKIP("only another CPU could report it");
    const arch::InterruptMask masked;
    for (;;)
        arch::relax();
}

PERCIVAL_TEST_MANUAL(demo, overflows_stack)
{
    recurse_endlessly();
}

// On the master root and without percpu data, as the boot CPU is at first, it has no stack of its own for the
// report.
PERCIVAL_TEST_MANUAL(demo, overflows_stack_without_percpu_data)
{
    const arch::InterruptMask masked;
    arch::install_root(mm::root_register(mm::master_root()));
    arch::set_this_cpu_distance(0);
    recurse_endlessly();
}

[[gnu::noinline]] void write_words(volatile u64* to, u32 count)
{
    for (u32 i = 0; i < count; ++i)
        to[i] = 0;
}

PERCIVAL_TEST_MANUAL(demo, smashes_stack)
{
    volatile u64 buffer[4]{};
    write_words(buffer, 5); // the word behind the buffer is the guard
}

PERCIVAL_TEST_MANUAL(demo, writes_data_of_init)
{
    *reinterpret_cast<volatile u64*>(mm::init_data().base.raw()) = 0;
}

// Compiled without UBSan, which would find the null pointer before the processor does.
PERCIVAL_TEST_MANUAL(demo, dereferences_null)
{
    const volatile u64* volatile pointer = nullptr;
    [&] [[clang::no_sanitize("undefined")]] { EXPECT_EQ(*pointer, 0u); }();
}

} // namespace
} // namespace percival
