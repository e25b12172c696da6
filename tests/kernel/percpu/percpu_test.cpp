// SPDX-License-Identifier: BSD-2-Clause
// One local address holds a value for each CPU, and the local and global alias of a copy are the same memory.
#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "linker/symbols.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu/unit.hpp"
#include "tests/kernel/support/roots.hpp"

#include <atomic>

namespace percival {
namespace {

constexpr u64 kInitial = 0x1234'5678'9abc'def0;

PERCIVAL_PERCPU PerCpu<u64> value{};
PERCIVAL_PERCPU_INITIALIZED PerCpu<u64> initialized{kInitial};

u64 value_for(CpuId cpu)
{
    return 0x1000 + cpu.index();
}

// A place at which every online CPU waits until all of them have come.
class Rendezvous {
public:
    void meet()
    {
        arrived_.fetch_add(1, std::memory_order_acq_rel);
        while (arrived_.load(std::memory_order_acquire) < online_cpu_count())
            arch::relax();
    }

private:
    std::atomic<u32> arrived_{0};
};

PERCIVAL_TEST(percpu, the_same_address_holds_a_different_value_on_every_cpu_at_once)
{
    Rendezvous all_have_written;
    Rendezvous all_have_read;
    run_everywhere([&](CpuId cpu) {
        value.write(value_for(cpu));
        all_have_written.meet();
        EXPECT_EQ(value.read(), value_for(cpu));
        // While every copy still holds its value, each CPU reads the right value through each global alias.
        for_each_online_cpu([](CpuId other) { EXPECT_EQ(value.on(other), value_for(other)); });
        all_have_read.meet();
    });
}

PERCIVAL_TEST(percpu, a_write_through_the_global_alias_is_read_at_the_local_address)
{
    for_each_online_cpu([](CpuId cpu) { value.on(cpu) = ~value_for(cpu); });
    run_everywhere([](CpuId cpu) { EXPECT_EQ(value.read(), ~value_for(cpu)); });
}

PERCIVAL_TEST(percpu, a_reference_by_pin_or_mask_is_this_cpus_global_alias)
{
    run_everywhere([](CpuId cpu) {
        {
            const PreemptGuard pin;
            EXPECT(&value.here(pin) == &value.on(cpu));
            EXPECT(!mm::is_percpu_local(address_of(&value.here(pin))));
        }
        {
            const auto copy = value.masked();
            EXPECT(&*copy == &value.on(cpu));
            EXPECT(arch::interrupts_masked());
        }
        EXPECT(!arch::interrupts_masked());
    });
}

PERCIVAL_TEST(percpu, every_page_of_the_section_is_one_physical_page_at_both_addresses)
{
    SKIP_WITH_COMMON_ROOT();
    run_everywhere([](CpuId cpu) {
        for (VirtAddr local = address_of(_percpu_start); local < address_of(_percpu_end);
             local += mm::KernelGeometry::kPageSize) {
            const auto through_local = arch::translate(local);
            const auto through_global = arch::translate(mm::local_to_global(local, cpu));
            EXPECT(through_local.valid);
            EXPECT(through_global.valid);
            EXPECT_EQ(through_local.address, through_global.address);
        }
    });
}

PERCIVAL_TEST(percpu, no_two_cpus_have_the_same_physical_page)
{
    for_each_online_cpu([](CpuId a) {
        for_each_online_cpu([a](CpuId b) {
            const auto page_a = arch::translate(mm::local_to_global(address_of(_percpu_start), a));
            const auto page_b = arch::translate(mm::local_to_global(address_of(_percpu_start), b));
            EXPECT((page_a.address == page_b.address) == (a == b));
        });
    });
}

PERCIVAL_TEST(percpu, every_cpu_starts_with_the_initial_value)
{
    run_everywhere([](CpuId) { EXPECT_EQ(initialized.read(), kInitial); });
}

PERCIVAL_TEST(percpu, addresses_after_the_first_chunk_do_not_translate)
{
    SKIP_WITH_COMMON_ROOT();
    const VirtAddr behind = mm::KernelLayout::kLocalPercpu.base + percpu::first_chunk()->size;
    run_everywhere([behind](CpuId cpu) {
        EXPECT(arch::translate(behind - Bytes{1}).valid);
        EXPECT(!arch::translate(behind).valid);
        EXPECT(!arch::translate(mm::local_to_global(behind, cpu)).valid);
    });
}

PERCIVAL_TEST(percpu, region_tests_are_exact_at_both_ends)
{
    constexpr VirtRange kLocal = mm::KernelLayout::kLocalPercpu;
    static_assert(!mm::is_percpu_local(kLocal.base - Bytes{1}) && mm::is_percpu_local(kLocal.base));
    static_assert(mm::is_percpu_local(kLocal.end() - Bytes{1}) && !mm::is_percpu_local(kLocal.end()));
    static_assert(mm::local_to_global(kLocal.base, CpuId{0}) == mm::KernelLayout::kGlobalPercpu.base);
    static_assert(mm::local_to_global(kLocal.base, CpuId{kMaxCpus - 1}) + kLocal.size ==
                  mm::KernelLayout::kGlobalPercpu.end());
    EXPECT(mm::is_percpu_local(value.local_address()));
}

} // namespace
} // namespace percival
