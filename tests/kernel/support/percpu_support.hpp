// SPDX-License-Identifier: BSD-2-Clause
// Helpers for the tests of dynamic percpu memory: signatures in every CPU's copy, and counts of the memory in
// use after stocks, depots and unused pages were freed.
#pragma once

#include "kernel/cpus/call.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "mm/percpu_memory/address.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "mm/percpu_memory/pages.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/vm_support.hpp"

#include <algorithm>

namespace percival {

inline constexpr Bytes kGrain = percpu::kGrain;
// The number of objects of the largest size that fill a unit exactly.
inline constexpr u32 kLargestPerUnit = static_cast<u32>(percpu::kUnit.count() / percpu::kMaxSize.count());
// The number of empty pages that the store keeps, and of chunks that it may keep only for them.
inline constexpr u32 kReservePages = 4;
inline constexpr u32 kChunksOfReserve =
    static_cast<u32>(kReservePages * kPage.count() / percpu::kUnit.count());

template <class Visit>
void for_each_possible_cpu(Visit visit)
{
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
        visit(CpuId{cpu});
}

// Returns an address of the calling CPU's copy of what is at `local`: the local one, if local addresses
// translate. The thread stays on its CPU.
inline VirtAddr own_address(VirtAddr local)
{
    return percpu::roots_are_common() ? mm::local_to_global(local, this_cpu_id()) : local;
}

// Return the grain at `local` of a CPU's copy, and of the calling CPU's copy by own_address().
inline u32& grain_of(VirtAddr local, CpuId cpu)
{
    return *reinterpret_cast<u32*>(mm::local_to_global(local, cpu).raw());
}
inline volatile u32& local_grain(VirtAddr local)
{
    return *reinterpret_cast<volatile u32*>(own_address(local).raw());
}

// Returns the last grain of an object. The object may end within it.
inline VirtAddr last_grain(VirtAddr object, Bytes size)
{
    return (object + (size - Bytes{1})).align_down(kGrain);
}

// The bytes of an object that are in the grain at `local`, which is one of its grains.
inline Bytes bytes_in_grain(VirtAddr object, Bytes size, VirtAddr local)
{
    return std::min(kGrain, size - (local - object));
}
// Return these bytes of a CPU's copy, and of the calling CPU's copy by own_address(); other bytes are 0.
inline u32 load_grain(VirtAddr object, Bytes size, VirtAddr local, CpuId cpu)
{
    u32 value = 0;
    __builtin_memcpy(&value, &grain_of(local, cpu), bytes_in_grain(object, size, local).count());
    return value;
}
inline u32 load_local_grain(VirtAddr object, Bytes size, VirtAddr local)
{
    u32 value = 0;
    for (u64 byte = bytes_in_grain(object, size, local).count(); byte-- != 0;)
        value = value << 8 | *reinterpret_cast<volatile u8*>(own_address(local).raw() + byte);
    return value;
}

// Returns a value that differs between live objects, and between the copies of an object.
inline u32 signature_of(VirtAddr object, CpuId cpu)
{
    return static_cast<u32>(object.raw()) ^ (cpu.index() + 1) * 0x0101'0001;
}

// Calls visit(local, count) for the first and the last grain of an object; `count` of its bytes are in it.
template <class Visit>
void for_both_ends(VirtAddr object, Bytes size, Visit visit)
{
    for (const VirtAddr local : {object, last_grain(object, size)})
        visit(local, bytes_in_grain(object, size, local).count());
}

// Write and check the signatures at both ends of every CPU's copy.
inline void sign_copies(VirtAddr object, Bytes size)
{
    for_each_possible_cpu([=](CpuId cpu) {
        const u32 signature = signature_of(object, cpu);
        for_both_ends(object, size, [&](VirtAddr local, u64 count) {
            __builtin_memcpy(&grain_of(local, cpu), &signature, count);
        });
    });
}
inline bool copies_are_signed(VirtAddr object, Bytes size)
{
    u32 wrong = 0;
    for_each_possible_cpu([&](CpuId cpu) {
        for_both_ends(object, size, [&](VirtAddr local, u64 count) {
            const u32 bits = static_cast<u32>((u64{1} << 8 * count) - 1);
            wrong |= load_grain(object, size, local, cpu) ^ (signature_of(object, cpu) & bits);
        });
    });
    return wrong == 0;
}

// Sets every byte of every CPU's copy.
inline void fill_copies(VirtAddr object, Bytes size, u8 byte)
{
    for_each_possible_cpu([=](CpuId cpu) {
        __builtin_memset(reinterpret_cast<void*>(mm::local_to_global(object, cpu).raw()), byte, size.count());
    });
}
inline bool copies_are_zero(VirtAddr object, Bytes size)
{
    u32 found = 0;
    for_each_possible_cpu([&](CpuId cpu) {
        for (Bytes at{0}; at < size; at = at + kGrain)
            found |= load_grain(object, size, object + at, cpu);
    });
    return found == 0;
}

// Returns how many bytes of one CPU's units a test may allocate.
inline Bytes share_of_percpu_memory()
{
    return Bytes{mm::memory_statistics().free.count() / 4 / possible_cpu_count()};
}

// Returns the memory in all stocks and depots to the chunks, and unused pages to the page allocator. Waits
// for the worker that earlier frees have queued, because it must not do so later, while the caller counts.
inline void settle_percpu()
{
    drain_all_percpu_stocks();
    empty_percpu_depots();
    percpu::finish_balance();
    percpu::store().balance();
}

// Returns the size of the pages that hold a Chunk and its maps. It is the same for all chunks but the first.
inline Bytes chunk_size_in_vmalloc()
{
    for (u64 unit = 0; unit < percpu::kUnits; ++unit) {
        const percpu::Chunk* chunk = percpu::directory[unit];
        if (chunk != nullptr && chunk->area != nullptr)
            return mm::vmalloc_region().next_in_use(address_of(chunk))->mapped;
    }
    return Bytes{0};
}

// Resources in use, without the existing chunks, their pages, and tables. They are the same before an
// allocation and after its free.
struct PercpuUse {
    Bytes memory;
    Bytes notes; // small objects
    u64 areas;   // areas of the vmalloc region
    u64 units;   // areas of the local window
};

inline PercpuUse percpu_use()
{
    settle_percpu();
    const VmUse use = vm_use();
    const percpu::StoreStatistics store = percpu::store().statistics();
    const u64 pages = percpu::page_statistics().pages;
    const Bytes first_unit = percpu::first_chunk()->size;
    EXPECT_EQ(u64{store.populated} - first_unit.count() / kPage.count(), pages / possible_cpu_count());
    const u64 chunks = store.chunks - 1;
    const u64 with_shadow = kPercpuShadow ? 2 * pages : pages;
    return {use.memory - kPage * with_shadow - chunk_size_in_vmalloc() * chunks, use.notes,
            use.areas - chunks, mm::local_percpu_region().areas_in_use() - chunks};
}

inline void expect_same_percpu_use(const PercpuUse& before)
{
    constexpr Bytes kSlabs = kPage * 8; // as in expect_same_use()
    const PercpuUse after = percpu_use();
    EXPECT_EQ(after.memory, before.memory);
    EXPECT_EQ(after.areas, before.areas);
    EXPECT_EQ(after.units, before.units);
    EXPECT(after.notes < before.notes + kSlabs);
}

// A percpu object that its destructor frees.
class Percpu : Immovable {
public:
    explicit Percpu(Bytes size, Bytes alignment = kGrain)
    {
        if (const auto place = percpu::allocate(size, alignment); EXPECT(place.has_value()))
            object_ = *place;
    }
    ~Percpu() { percpu::free(object_); }

    explicit operator bool() const { return object_ != VirtAddr{0}; }
    VirtAddr address() const { return object_; }

private:
    VirtAddr object_{0};
};

// A list of percpu objects, each with its size, which are signed on all CPUs. The list has memory of its own.
class PercpuHerd : Immovable {
public:
    explicit PercpuHerd(u32 max) : memory_{Bytes{max * sizeof(Member)}}, max_{max} {}
    ~PercpuHerd() { free_all(); }

    u32 size() const { return count_; }
    VirtAddr operator[](u32 index) const { return members()[index].object; }
    bool is_full() const { return count_ == max_; }

    // Signs the object and adds it. Returns false if the list is full.
    bool add(VirtAddr object, Bytes size)
    {
        if (is_full())
            return false;
        sign_copies(object, size);
        members()[count_++] = {object, size};
        return true;
    }
    // Allocates an object and adds it. Returns false if there is no memory, or if the list is full.
    bool allocate(Bytes size, Bytes alignment = kGrain)
    {
        if (is_full())
            return false;
        const auto object = percpu::allocate(size, alignment);
        return object && add(*object, size);
    }
    bool are_signed() const
    {
        bool right = true;
        for (u32 index = 0; index < count_; ++index)
            right = copies_are_signed(members()[index].object, members()[index].size) && right;
        return right;
    }
    // Empties the list without freeing the objects, which the caller has freed or frees itself.
    void forget() { count_ = 0; }
    void free_all()
    {
        while (count_ != 0)
            percpu::free(members()[--count_].object);
    }

private:
    struct Member {
        VirtAddr object;
        Bytes size;
    };
    Member* members() const { return static_cast<Member*>(memory_.get()); }

    Vmalloced memory_;
    u32 max_;
    u32 count_{0};
};

// Waits until the condition is true, for at most 5 seconds of the guest's time, and returns whether it is. A
// worker needs far less.
template <class Condition>
bool becomes_true(Condition condition)
{
    for (u32 look = 0; look < 5'000; ++look) {
        if (condition())
            return true;
        sleep_for_nanoseconds(1'000'000);
    }
    return condition();
}

} // namespace percival
