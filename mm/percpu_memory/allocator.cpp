// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/allocator.hpp"

#include "kernel/lib/assert.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/print.hpp"
#include "linker/ro_after_init.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/unit.hpp"
#include "mm/percpu_memory/address.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/percpu_memory/zero.hpp"
#include "mm/percpu_report/allocations.hpp"
#include "mm/vmalloc/vm_region.hpp"

namespace percival::percpu {

using namespace mm;
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

// The chunk that covers the reserved part of the first units. Only allocate_reserved() allocates from it.
// The pointer is constant after start_allocator(). reserved_lock guards the chunk's map and nothing else in
// the chunk, which the thread-safety analysis cannot check.
PERCIVAL_RO_AFTER_INIT constinit Chunk* reserved = nullptr;
constinit SpinLock reserved_lock;

// Zeroes every possible CPU's copy, for sizes that zero_on_all_cpus() does not take.
void zero_any_size(VirtAddr local, Bytes size)
{
    // SAFETY: the caller has just allocated [local, local + size), so its pages are mapped for every CPU.
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        __builtin_memset(reinterpret_cast<void*>(local_to_global(local, CpuId{cpu}).raw()), 0, size.count());
}

// Marks the object that begins at `local` as allocated (INV-percpu_chunk-2).
void set_tag(VirtAddr local, Tag tag)
{
    chunk_at(local)->tag_of(local).store(tag, std::memory_order_release);
}

[[gnu::cold, gnu::noinline]] void report_wrong_free(VirtAddr address)
{
    if (address == VirtAddr{0})
        return;
    bad_frees.inc();
    const auto known = find_address(address);
    print("percpu: free of {} refused: {}", address, describe(known));
}

void free_reserved(VirtAddr local)
{
    const IrqSpinGuard guard{reserved_lock};
    const bool was_allocated = reserved->map.free(reserved->offset_of(local)).has_value();
    PERCIVAL_ASSERT(was_allocated); // INV-percpu_chunk-2: only this caller found the tag set
}

[[gnu::noinline]] void free_uncached(VirtAddr local, Tag tag)
{
    if (tag == kReservedTag)
        return free_reserved(local);
    store().put({&local, 1});
    balance_if_needed();
}

} // namespace

namespace detail {

[[gnu::cold]] Allocation refuse(Bytes size, Bytes alignment, RequestError why)
{
    print("percpu: request for {} at a multiple of {} refused: {}", size, alignment.count(),
          why == RequestError::Empty      ? "the size is 0"
          : why == RequestError::TooLarge ? "the size is above the limit"
                                          : "the alignment is not a power of two, or larger than a page");
    return std::unexpected{why == RequestError::BadAlignment ? Error::BadAlignment : Error::BadSize};
}

Allocation allocate_of_class(Class size_class, bool may_block)
{
    const Allocation place = take_from_stock(size_class, may_block);
    if (place) [[likely]] {
        shadow::note_place(*place, size_class.size());
        zero_on_all_cpus(*place, size_class.size());
        set_tag(*place, static_cast<Tag>(size_class.number()));
    }
    return place;
}

Allocation allocate_plain(Request request, bool may_block)
{
    Allocation place{};
    if (may_block) {
        place = store().take_blocking(request);
    } else if (store().take(request, {&*place, 1}) == 0) {
        store().note_missed(request);
        place = std::unexpected{Error::NoMemory};
    }
    if (place) {
        shadow::note_place(*place, request.size());
        zero_any_size(*place, request.size());
        set_tag(*place, kPlainTag);
    }
    balance_if_needed();
    return place;
}

} // namespace detail

Allocation allocate_for_overwrite(Bytes size, Bytes alignment)
{
    const auto request = Request::of(size, alignment, kPage);
    if (!request)
        return detail::refuse(size, alignment, request.error());
    const auto size_class = Class::of(*request);
    const Allocation place =
        size_class ? take_from_stock(*size_class, true) : store().take_blocking(*request);
    if (place) {
        shadow::note_object(*place, size, request->size(), shadow::State::NeverWritten);
        set_tag(*place, size_class ? static_cast<Tag>(size_class->number()) : kPlainTag);
    }
    balance_if_needed();
    return place;
}

Allocation allocate_reserved(Bytes size, Bytes alignment)
{
    const auto request = Request::of(size, alignment, kPage);
    if (!request)
        return detail::refuse(size, alignment, request.error());
    std::optional<Bytes> offset;
    {
        const IrqSpinGuard guard{reserved_lock};
        offset = reserved->map.allocate(*request);
    }
    if (!offset)
        return std::unexpected{Error::NoMemory};
    const VirtAddr local = reserved->base() + *offset;
    shadow::note_object(local, size, request->size(), shadow::State::Written);
    zero_any_size(local, request->size());
    set_tag(local, kReservedTag);
    return local;
}

void free(VirtAddr local)
{
    Tag tag = kNoTag;
    {
        // Masked for try_put(), and because another CPU may be about to free the chunk if `local` is not
        // allocated (INV-percpu_chunk-3).
        const arch::InterruptMask masked;
        Chunk* chunk = chunk_at(local);
        if (chunk != nullptr) [[likely]]
            tag = chunk->tag_of(local).exchange(kNoTag, std::memory_order_acq_rel);
        if (tag != kNoTag)
            shadow::note_free(local);
        const bool has_class = tag != kNoTag && tag <= Class::kCount;
        if (has_class && try_put(Class{tag}, local, Pin{masked})) [[likely]]
            return;
    }
    if (tag == kNoTag)
        report_wrong_free(local);
    else if (tag > Class::kCount)
        free_uncached(local, tag);
    else
        put_into_full_stock(Class{tag}, local);
}

void start_allocator()
{
    const FirstChunk parts = *first_chunk();
    const Bytes unit = parts.size.align_up(Block::kSize);
    const VirtAddr base = KernelLayout::kLocalPercpu.base;
    const auto reserve_area = [](VmRegion& region, Bytes size, Bytes mapped) {
        const auto area = region.allocate(size, kUnit);
        if (!area)
            return false;
        (*area)->kind = VmKind::Percpu;
        (*area)->mapped = mapped;
        (*area)->become(VmState::Used);
        return true;
    };
    // Regions hand out ascending addresses: the first unit lies at the start of the window, and the slabs
    // follow each other in the order of their CPUs.
    bool ready = make_directory() && store().prepare_pages() &&
                 reserve_area(local_percpu_region(), unit.align_up(kUnit), parts.size);
    for (u32 cpu = 0; ready && cpu < possible_cpu_count(); ++cpu)
        ready = reserve_area(global_percpu_region(), KernelLayout::kSlabSize, parts.size);
    Chunk* first = ready ? Chunk::make(base, {unit, parts.dynamic_begin, parts.size}) : nullptr;
    reserved =
        first == nullptr ? nullptr : Chunk::make(base, {unit, parts.reserved_begin, parts.dynamic_begin});
    if (reserved == nullptr)
        panic("not enough memory for the percpu allocator");
    first->population.populate(first->all_pages());
    enter_chunk(*first);
    store().start(*first);
}

} // namespace percival::percpu
