// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/stacks.hpp"

#include "boot/linker_symbols.hpp"
#include "mm/early_memory.hpp"
#include "mm/kernel_tables.hpp"
#include "mm/percpu_area.hpp"
#include "mm/vm_region.hpp"

extern "C" char overflow_stack[];

namespace percival {
namespace {

// A stack occupies the lower half of a slot, aligned to the slot's size; the upper halves are the guards.
constexpr Bytes kSlot = arch::kStackSize * 2;

constinit VirtRange stacks{};

// Only memory the percpu section covers is mapped; the overflow stack is at the section's start.
std::optional<VirtRange> overflow_stack_containing(VirtAddr address)
{
    const VirtRange local{address_of(overflow_stack), arch::kOverflowStackSize};
    if (local.contains(address))
        return local;
    return {};
}

} // namespace

std::expected<void, mm::MapError> make_cpu_stacks(u32 cpus)
{
    // One slot more: the guard below the first stack.
    const auto area = mm::vmalloc_region().allocate(kSlot * (u64{cpus} + 1), kSlot);
    if (!area)
        return std::unexpected{mm::MapError::NoMemory};
    stacks = {(*area)->range.base + kSlot, kSlot * cpus};
    for (u32 cpu = 0; cpu < cpus; ++cpu) {
        const auto memory = mm::early_memory().allocate(arch::kStackSize, mm::KernelGeometry::kPageSize);
        if (!memory)
            return std::unexpected{mm::MapError::NoMemory};
        if (auto result = mm::master_table().map(cpu_stack(CpuId{cpu}), memory->base, mm::kData); !result)
            return result;
    }
    (*area)->kind = mm::VmKind::Stacks;
    (*area)->mapped = arch::kStackSize * cpus;
    (*area)->become(mm::VmState::Used);
    return {};
}

VirtRange cpu_stack(CpuId cpu)
{
    return {stacks.base + kSlot * cpu.index(), arch::kStackSize};
}

std::optional<VirtRange> stack_containing(VirtAddr address)
{
    const VirtRange boot{address_of(boot_stack), arch::kStackSize};
    if (boot.contains(address))
        return boot;
    if (stacks.contains(address)) {
        const VirtRange stack =
            cpu_stack(CpuId{static_cast<u32>((address - stacks.base).count() / kSlot.count())});
        return stack.contains(address) ? std::optional{stack} : std::nullopt;
    }
    return overflow_stack_containing(address);
}

} // namespace percival
