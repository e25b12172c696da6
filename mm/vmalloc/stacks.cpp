// SPDX-License-Identifier: BSD-2-Clause
#include "mm/vmalloc/stacks.hpp"

#include "kernel/sync/spinlock.hpp"
#include "linker/ro_after_init.hpp"
#include "linker/symbols.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/vmalloc/vm_region.hpp"

extern "C" char overflow_stack[];

namespace percival {
namespace {

// Size of a slot. A stack occupies the lower half of its slot, aligned to the slot's size; the upper half is
// a guard.
constexpr Bytes kSlot = arch::kStackSize * 2;

// Limit of threads that exist at once: so many for each CPU, and so many others.
constexpr u32 kThreadsPerCpu = 3;
constexpr u32 kOtherThreads = 128;

// The addresses of all slots: one for each CPU, one for the boot thread, then those of other threads.
// Both are constant after make_cpu_stacks(), which runs before the other CPUs.
PERCIVAL_RO_AFTER_INIT constinit VirtRange slots{};
PERCIVAL_RO_AFTER_INIT constinit u32 slots_made_at_boot = 0;

// Number of mapped slots, counted from the first. Written under `lock`, read in any context.
constinit std::atomic<u32> mapped_slots{0};

// List of stacks of threads that have ended. Each holds a pointer to the next at its base.
constinit SpinLock lock;
constinit VirtAddr free_stacks PERCIVAL_GUARDED_BY(lock){};

VirtRange stack_of_slot(u32 slot)
{
    return {slots.base + kSlot * slot, arch::kStackSize};
}

VirtAddr& next_free(VirtAddr stack)
{
    // SAFETY: the stack is mapped (INV-stacks-1), and no thread runs on it.
    return *reinterpret_cast<VirtAddr*>(stack.raw());
}

// Maps the next slot. Only this function maps stacks after boot. The tables exist since boot, so it writes
// leaf entries of its own slot only and may run beside other changes of the kernel's tables.
std::optional<VirtRange> map_next_slot() PERCIVAL_REQUIRES(lock)
{
    const u32 slot = mapped_slots.load(std::memory_order_relaxed);
    if (!slots.contains(stack_of_slot(slot)))
        return {};
    const mm::PageOrder order = mm::order_for(arch::kStackSize, mm::KernelGeometry::kPageSize);
    const auto memory = mm::allocate_pages(order);
    if (!memory)
        return {};
    if (!mm::master_table().map(stack_of_slot(slot), *memory, mm::kData, mm::Leaves::Pages)) {
        mm::free_pages(*memory, order);
        return {};
    }
    mapped_slots.store(slot + 1, std::memory_order_release);
    return stack_of_slot(slot);
}

// Maps a slot at boot, with early memory of `node` if that has some.
std::expected<void, mm::MapError> map_boot_slot(u32 slot, mm::NumaNode node)
{
    const auto memory = mm::early_memory().allocate_on(node, arch::kStackSize, mm::KernelGeometry::kPageSize);
    if (!memory)
        return std::unexpected{mm::MapError::NoMemory};
    return mm::master_table().map(stack_of_slot(slot), memory->base, mm::kData);
}

// Returns the overflow stack of the current CPU if that contains `address`. The stack lies at the start of
// the percpu section and needs no check of its own: only the section is mapped there.
std::optional<VirtRange> overflow_stack_containing(VirtAddr address)
{
    const VirtRange local{address_of(overflow_stack), arch::kOverflowStackSize};
    if (local.contains(address))
        return local;
    return {};
}

} // namespace

std::expected<void, mm::MapError> make_cpu_stacks(const MachineDescription& machine)
{
    const auto cpus = static_cast<u32>(machine.cpus.size());
    slots_made_at_boot = cpus + 1;
    const u32 count = slots_made_at_boot + cpus * kThreadsPerCpu + kOtherThreads;
    // One more slot is the guard below the first stack.
    const auto area = mm::vmalloc_region().allocate(kSlot * (u64{count} + 1), kSlot);
    if (!area)
        return std::unexpected{mm::MapError::NoMemory};
    slots = {(*area)->range.base + kSlot, kSlot * count};
    if (auto result = mm::master_table().ensure_tables(slots, mm::kLastLevel.up()); !result)
        return result;
    for (u32 slot = 0; slot < slots_made_at_boot; ++slot) {
        // The boot thread's slot follows those of the CPUs. The thread starts on the boot CPU.
        const u32 cpu = slot < cpus ? slot : kBootCpu.index();
        if (auto result = map_boot_slot(slot, mm::NumaNode{machine.cpus[cpu].numa_node}); !result)
            return result;
    }
    mapped_slots.store(slots_made_at_boot, std::memory_order_release);
    (*area)->kind = mm::VmKind::Stacks;
    (*area)->mapped = arch::kStackSize * slots_made_at_boot;
    (*area)->become(mm::VmState::Used);
    return {};
}

VirtRange cpu_stack(CpuId cpu)
{
    return stack_of_slot(cpu.index());
}

VirtRange boot_thread_stack()
{
    return stack_of_slot(slots_made_at_boot - 1);
}

std::optional<VirtRange> allocate_thread_stack()
{
    const SpinGuard guard{lock};
    if (free_stacks == VirtAddr{})
        return map_next_slot();
    const VirtAddr stack = free_stacks;
    free_stacks = next_free(stack);
    return VirtRange{stack, arch::kStackSize};
}

void free_thread_stack(VirtRange stack)
{
    const SpinGuard guard{lock};
    next_free(stack.base) = free_stacks;
    free_stacks = stack.base;
}

std::optional<VirtRange> stack_containing(VirtAddr address)
{
    const VirtRange boot{address_of(boot_stack), arch::kStackSize};
    if (boot.contains(address))
        return boot;
    if (slots.contains(address)) {
        const auto slot = static_cast<u32>((address - slots.base).count() / kSlot.count());
        const VirtRange stack = stack_of_slot(slot);
        const bool is_mapped = slot < mapped_slots.load(std::memory_order_acquire);
        return is_mapped && stack.contains(address) ? std::optional{stack} : std::nullopt;
    }
    return overflow_stack_containing(address);
}

} // namespace percival
