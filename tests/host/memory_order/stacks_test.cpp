// SPDX-License-Identifier: BSD-2-Clause
// mm/vmalloc/stacks.cpp with weakly ordered memory: one CPU maps a stack, another one looks it up.
#include "memory_order/support/judge.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "mm/vmalloc/vm_region.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace percival {
namespace testing {
namespace {

const MachineDescription& machine_with_two_cpus()
{
    static const MachineDescription machine = [] {
        MachineDescription two;
        for (u32 cpu = 0; cpu < 2; ++cpu)
            static_cast<void>(two.cpus.push({}));
        return two;
    }();
    return machine;
}

struct LookedUp {
    static constexpr u32 kCpus = 2;
    static inline LookedUp* current = nullptr;

    u64 descriptor{0}; // of the first stack that is mapped after boot
    VirtAddr stack{};
    std::string wrong;

    LookedUp()
    {
        current = this;
        mm::on_map = [](VirtRange) {};
        if (!make_cpu_stacks(machine_with_two_cpus()))
            order_explorer().fail("there is no memory for the stacks");
        stack = boot_thread_stack().base + arch::kStackSize * 2;
        mm::on_map = [](VirtRange range) {
            if (range.base == current->stack)
                std::atomic_ref{current->descriptor}.store(1, std::memory_order_relaxed);
        };
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            if (const auto made = allocate_thread_stack(); !made || made->base != stack)
                order_explorer().fail("another stack is mapped");
        } else if (stack_containing(stack)) {
            // The walk for an access that comes after an acquire comes after it, too (FEAT_ETS2). Older CPUs
            // take a fault, which is_spurious() explains.
            if (std::atomic_ref{descriptor}.load(std::memory_order_relaxed) == 0)
                wrong = "a stack is found before it is mapped";
        }
    }
    std::string verdict() const { return wrong; }
};

TEST(StacksOrder, AStackIsFoundOnlyWhenItIsMapped)
{
    EXPECT_EQ(judge<LookedUp>({"mm/vmalloc/stacks.cpp"}), "");
}

} // namespace
} // namespace testing

std::expected<mm::VmArea*, mm::VmError> mm::VmRegion::allocate(Bytes size, Bytes alignment)
{
    static VmArea area;
    const IrqSpinGuard guard{lock_};
    area.range = {whole_.base.align_up(alignment), size};
    return &area;
}

mm::EarlyMemory& mm::early_memory()
{
    static EarlyMemory memory;
    return memory;
}

std::optional<PhysRange> mm::EarlyMemory::allocate_on(NumaNode, Bytes size, Bytes)
{
    return PhysRange{PhysAddr{0}, size};
}

std::optional<PhysAddr> mm::allocate_pages(PageOrder)
{
    return PhysAddr{0};
}

void mm::free_pages(PhysAddr, PageOrder) {}

} // namespace percival

extern "C" {
extern const char boot_stack[];
const char boot_stack[1]{};
char overflow_stack[1]{};
}
