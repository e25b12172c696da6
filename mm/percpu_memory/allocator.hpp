// SPDX-License-Identifier: BSD-2-Clause
// Allocator of dynamic percpu memory: an object has one copy per possible CPU and one local address for all
// of them.
//
//      auto hits = percpu::create<u64>();                  // PerCpu<u64>*, 0 on every CPU
//      (*hits)->inc();                                     // this CPU's copy, one instruction
//      (*hits)->on(cpu)                                    // that CPU's
//      percpu::destroy(*hits);
//      percpu::Owned<u64> own{*percpu::create<u64>()};     // destroyed together with `own`
//
// The allocator zeroes the copy of every possible CPU, including CPUs that are offline or come up later. Only
// allocate_for_overwrite() does not.
//
// allocate() and create() may block, so only threads call them. allocate_atomic() and create_atomic() run in
// any context, but only take room in pages that have memory already; a worker keeps some such pages ready.
// free() and destroy() run in any context.
//
// An invalid request (size 0 or above kMaxSize, an alignment that is not a power of two or larger than a
// page) is reported on the console and returned as an error. A wrong free is reported, counted
// (MemoryStatistics::bad_frees) and otherwise ignored. It is a free of an object that is free already, of an
// address inside an object, of a static variable, of a global alias or of any other address. Freeing null
// does nothing.
//
// Like Linux's mm/percpu.c, the allocator has chunks of units, maps of 4-byte grains, and slots by size.
// Unlike there, an object is named by its local address, each CPU's units lie together in its slab, and the
// sizes of a class take no lock (mm/percpu_memory/stock.hpp).
#pragma once

#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu_memory/class.hpp"
#include "mm/percpu_memory/store.hpp"
#include "mm/percpu_report/allocations.hpp"

#include <memory>

namespace percival::percpu {

// The local address of a new object, or why there is none.
using Allocation = std::expected<VirtAddr, Error>;

namespace detail {

// Reports an invalid request and returns its error.
Allocation refuse(Bytes size, Bytes alignment, RequestError why);
// Allocates from this CPU's stock of the class.
Allocation allocate_of_class(Class size_class, bool may_block);
// Allocates straight from the chunks.
Allocation allocate_plain(Request request, bool may_block);

// Inlined, so that a caller with a constant size calls allocate_of_class() or allocate_plain() directly.
[[gnu::always_inline]] inline Allocation allocate(Bytes size, Bytes alignment, bool may_block)
{
    const auto request = Request::of(size, alignment, mm::KernelGeometry::kPageSize);
    if (!request)
        return refuse(size, alignment, request.error());
    const auto size_class = Class::of(*request);
    const Allocation place =
        size_class ? allocate_of_class(*size_class, may_block) : allocate_plain(*request, may_block);
    if constexpr (kPercpuShadow) {
        if (place)
            shadow::note_object(*place, size, request->size(), shadow::State::Written);
    }
    return place;
}

} // namespace detail

// Allocates `size` bytes at a multiple of `alignment`, zeroed on every CPU. May block.
inline Allocation allocate(Bytes size, Bytes alignment)
{
    return detail::allocate(size, alignment, true);
}
// Does what allocate() does without blocking: any context, but fails if no page with memory has room.
inline Allocation allocate_atomic(Bytes size, Bytes alignment)
{
    return detail::allocate(size, alignment, false);
}
// Does what allocate() does without zeroing: the bytes have the values that the last object left. For callers
// that write every CPU's copy, or each CPU its own, before it is read.
Allocation allocate_for_overwrite(Bytes size, Bytes alignment);
// Allocates from the first chunk's reserved part, for the static percpu variables of loaded code. Any
// context. The kernel has no user of it yet.
Allocation allocate_reserved(Bytes size, Bytes alignment);
// Frees an object of any of these functions. Any context, on any CPU.
void free(VirtAddr local);

// Sets the allocator up with the memory that the first chunk has from boot. The boot CPU calls it once, on
// its own root. Panics without memory.
void start_allocator();

namespace detail {

// Constructs every CPU's copy at its global address.
template <class T>
PerCpu<T>* construct(VirtAddr local)
{
    // SAFETY: `local` has the size and the alignment of a PerCpu<T>, and the memory is the caller's.
    auto* object = reinterpret_cast<PerCpu<T>*>(local.raw());
    // Zeroed memory is all that a trivially constructible type needs.
    if constexpr (!std::is_trivially_default_constructible_v<T>) {
        for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
            new (mm::global_pointer(object, CpuId{cpu})) PerCpu<T>{};
    }
    return object;
}

template <class T>
std::expected<PerCpu<T>*, Error> construct_in(Allocation place)
{
    if (!place)
        return std::unexpected{place.error()};
    return construct<T>(*place);
}

} // namespace detail

// Allocates an object and constructs a T{} for every possible CPU. A constructor that leaves bytes unwritten
// leaves them undefined. May block.
template <class T>
std::expected<PerCpu<T>*, Error> create()
{
    constexpr Bytes kSize{sizeof(PerCpu<T>)};
    constexpr Bytes kAlignment{alignof(PerCpu<T>)};
    if constexpr (std::is_trivially_default_constructible_v<T>)
        return detail::construct_in<T>(allocate(kSize, kAlignment));
    else
        return detail::construct_in<T>(allocate_for_overwrite(kSize, kAlignment));
}
// Does what create() does, in any context (see allocate_atomic()).
template <class T>
std::expected<PerCpu<T>*, Error> create_atomic()
{
    return detail::construct_in<T>(allocate_atomic(Bytes{sizeof(PerCpu<T>)}, Bytes{alignof(PerCpu<T>)}));
}

// Destroys every CPU's copy and frees the object; null is ignored. Any context that T's destructor can run
// in.
template <class T>
void destroy(PerCpu<T>* object)
{
    if (object == nullptr)
        return;
    if constexpr (!std::is_trivially_destructible_v<T>) {
        for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
            std::destroy_at(mm::global_pointer(object, CpuId{cpu}));
    }
    free(object->local_address());
}

struct Destroy {
    template <class T>
    void operator()(PerCpu<T>* object) const
    {
        destroy(object);
    }
};

template <class T>
using Owned = std::unique_ptr<PerCpu<T>, Destroy>;

} // namespace percival::percpu
