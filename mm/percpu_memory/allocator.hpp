// SPDX-License-Identifier: BSD-2-Clause
// Dynamic percpu memory: as many copies as there are possible CPUs, and one local address for all of them.
//
//      auto hits = percpu::create<u64>();                  // PerCpu<u64>*, 0 on every CPU
//      (*hits)->inc();                                     // this CPU's copy, one instruction
//      (*hits)->on(cpu)                                    // that CPU's
//      percpu::destroy(*hits);
//      percpu::Owned<u64> own{*percpu::create<u64>()};     // destroyed with its owner
//
// Memory is zeroed on every possible CPU, those included that are offline or come up later.
//
// allocate() and create() may block: threads only. The atomic forms are for any context, and succeed only where
// a page with memory has room; a worker keeps some such pages. free() and destroy() are for any context.
//
// A request that cannot be granted (size 0 or above kMaxSize, an alignment that is no power of two or above
// a page) is reported on the console, and an error. A wrong free (of what is free already, of a place inside an
// allocation, of a static variable, of a global alias or of any other address) is reported, counted
// (MemoryStatistics::bad_frees) and otherwise without effect. Null is no allocation, and ignored.
//
// As in Linux's mm/percpu.c: chunks of units, maps of 4-byte grains, slots by size. Otherwise: the address is
// the local one, each CPU's units lie together in its slab, and the usual sizes need no lock (mm/percpu_memory/stock.hpp).
#pragma once

#include "mm/percpu/area.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu_memory/class.hpp"
#include "mm/percpu_memory/store.hpp"

#include <memory>

namespace percival::percpu {

using Place = std::expected<VirtAddr, Error>;

namespace detail {

Place refuse(Bytes size, Bytes alignment, RequestError why);
Place allocate_of_class(Class size_class, bool may_block);
Place allocate_plain(Request request, bool may_block);

// Which of them is known at compile time where the size is.
[[gnu::always_inline]] inline Place allocate(Bytes size, Bytes alignment, bool may_block)
{
    const auto request = Request::of(size, alignment, mm::KernelGeometry::kPageSize);
    if (!request)
        return refuse(size, alignment, request.error());
    const auto size_class = Class::of(*request);
    return size_class ? allocate_of_class(*size_class, may_block) : allocate_plain(*request, may_block);
}

} // namespace detail

// The local address of `size` bytes at a multiple of `alignment`.
inline Place allocate(Bytes size, Bytes alignment)
{
    return detail::allocate(size, alignment, true);
}
inline Place allocate_atomic(Bytes size, Bytes alignment)
{
    return detail::allocate(size, alignment, false);
}
// For the static percpu variables of loaded code: from the first chunk's reserved part. Any context. No user
// in the kernel yet.
Place allocate_reserved(Bytes size, Bytes alignment);
void free(VirtAddr local);

// Sets the allocator up, for the memory the machine was booted with. Boot CPU, once, on its own root.
void start_allocator();

namespace detail {

// Every CPU's copy, at its global address.
template <class T>
PerCpu<T>* construct(VirtAddr local)
{
    auto* object = reinterpret_cast<PerCpu<T>*>(local.raw());
    // Zeroes are what an object of such a type starts with.
    if constexpr (!std::is_trivially_default_constructible_v<T>) {
        for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
            new (mm::global_pointer(object, CpuId{cpu})) PerCpu<T>{};
    }
    return object;
}

template <class T>
std::expected<PerCpu<T>*, Error> construct_in(Place place)
{
    if (!place)
        return std::unexpected{place.error()};
    return construct<T>(*place);
}

} // namespace detail

// A T{} for every possible CPU.
template <class T>
std::expected<PerCpu<T>*, Error> create()
{
    return detail::construct_in<T>(allocate(Bytes{sizeof(PerCpu<T>)}, Bytes{alignof(PerCpu<T>)}));
}
template <class T>
std::expected<PerCpu<T>*, Error> create_atomic()
{
    return detail::construct_in<T>(allocate_atomic(Bytes{sizeof(PerCpu<T>)}, Bytes{alignof(PerCpu<T>)}));
}

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
