// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/percpu_memory/machine.hpp"

#include "kernel/lib/console.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/wait/work_queue.hpp"
#include "memory_order/support/order_explorer.hpp"
#include "memory_order/support/static_memory.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "mm/vmalloc/vmalloc.hpp"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace percival {
namespace testing {
namespace {

// Memory for the directory, the chunks and notes of areas. Nothing in it is used twice in a schedule.
constinit std::array<u64, std::size_t{48} << 10> arena{};
constinit std::size_t arena_used = 0;

void* take(std::size_t size)
{
    // The word in front of a block says how large it is.
    const std::size_t words = (size + 7) / 8 + 1;
    if (arena.size() - arena_used < words)
        return nullptr;
    u64* const block = &arena[arena_used];
    arena_used += words;
    *block = size;
    return block + 1;
}

void map_slabs()
{
    const std::size_t size = kPercpuMachineCpus * mm::KernelLayout::kSlabSize.count();
    void* const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        std::abort();
    mm::slabs = reinterpret_cast<u64>(memory);
}

PercpuMachine start()
{
    map_slabs();
    map_percpu_copies(kPercpuMachineCpus);
    mm::cpus_with_root = kPercpuMachineCpus;
    percpu::start_allocator();
    PercpuMachine machine;
    for (VirtAddr& place : machine.places)
        static_cast<void>(percpu::store().take(kPlaceClass.request(), {&place, 1}));
    // Four objects of the largest size fill two chunks.
    std::array<VirtAddr, 4> objects{};
    for (VirtAddr& object : objects)
        object = *percpu::allocate(percpu::kMaxSize, Bytes{4096});
    for (const VirtAddr object : objects)
        percpu::free(object);
    machine.unused_chunk = percpu::chunk_at(objects[0])->base();
    machine.next_chunk = percpu::chunk_at(objects[3])->base() + percpu::kUnit;
    return machine;
}

} // namespace

const PercpuMachine& percpu_machine()
{
    static const PercpuMachine machine = start();
    return machine;
}

} // namespace testing

std::expected<void*, mm::VmError> mm::vmalloc(Bytes size, Bytes, std::optional<NumaNode>)
{
    void* const block = testing::take(size.count());
    if (block == nullptr)
        return std::unexpected{VmError::NoMemory};
    std::memset(block, testing::kJunk, size.count());
    return block;
}

std::expected<void*, mm::VmError> mm::vzalloc(Bytes size, Bytes, std::optional<NumaNode>)
{
    void* const block = testing::take(size.count());
    if (block == nullptr)
        return std::unexpected{VmError::NoMemory};
    return block;
}

void mm::vfree(void* address)
{
    testing::order_explorer().say_gone(address, static_cast<u64*>(address)[-1]);
}

mm::VmArea* mm::new_area_note()
{
    void* const memory = testing::take(sizeof(VmArea));
    return memory == nullptr ? nullptr : new (memory) VmArea;
}

void mm::delete_area_note(VmArea*) {}

bool percpu::UnitPages::prepare(u32)
{
    return true;
}

bool percpu::UnitPages::populate(VirtAddr, Pages)
{
    return true;
}

void percpu::UnitPages::depopulate(VirtAddr, Pages) {}

PERCIVAL_PERCPU PerCpu<u64> mm::bad_frees{};

// The allocator's worker. Scenarios call balance() themselves.
bool Work::queue()
{
    return true;
}
void Work::flush() {}

void console_write_line(std::string_view) {}

void panic_detail::panic(std::source_location, std::string_view text, Arguments)
{
    testing::order_explorer().fail(std::string{text});
}

} // namespace percival

// The static percpu variables, of which the allocator knows the size only.
asm(".pushsection .rodata\n"
    ".globl _percpu_start, _percpu_end\n"
    "_percpu_start: .zero 4096\n"
    "_percpu_end: .byte 0\n"
    ".popsection");
