// SPDX-License-Identifier: BSD-2-Clause
#include "mm/objects/small_objects.hpp"

#include "linker/ro_after_init.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/objects/object_cache_checks.hpp"
#include "mm/objects/object_guard.hpp"
#include "mm/pages/allocation_failure.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/pages/page_allocator.hpp"

#include <utility>

namespace percival::mm {
namespace {

// Returns an empty stock, with a capacity of at most four pages' worth of objects.
constexpr ObjectStock empty_stock(u32 index)
{
    const u64 in_four_pages = 4 * KernelGeometry::kPageSize.count() / ObjectClass{index}.size().count();
    ObjectStock stock{};
    stock.capacity = static_cast<u16>(std::min<u64>(ObjectStock::kMax, in_four_pages));
    stock.object_class = static_cast<u16>(index);
    return stock;
}

template <std::size_t... Index>
constexpr std::array<PerCpu<ObjectStock>, kObjectClasses> empty_stocks(std::index_sequence<Index...>)
{
    return {PerCpu<ObjectStock>{empty_stock(Index)}...};
}

ObjectClass class_of(const ObjectStock& stock)
{
    return ObjectClass{stock.object_class};
}

void* pop(ObjectStock& stock)
{
    void* object = stock.objects[--stock.count];
    if constexpr (kPoisonFreedMemory)
        check_allocated(object, class_of(stock));
    return object;
}

// Puts the `count` objects that have been in the stock for longest back into their slabs.
void drain(ObjectStock& stock, u32 count)
{
    const auto oldest = std::span<void* const>{stock.objects}.first(count);
    object_cache(class_of(stock)).put(class_of(stock), oldest);
    std::copy(stock.objects.begin() + count, stock.objects.begin() + stock.count, stock.objects.begin());
    stock.count -= count;
}

// Null: objects are not guarded.
PERCIVAL_RO_AFTER_INIT constinit const ObjectGuard* object_guard = nullptr;

// Allocates an object past the stock: from the guard, or else from a slab. Null: no memory.
void* allocate_guarded(ObjectClass object_class)
{
    if (void* object = object_guard->allocate(object_class))
        return object;
    void* object = nullptr;
    if (object_cache(object_class).take(object_class, {&object, 1}) == 0)
        return nullptr;
    if constexpr (kPoisonFreedMemory)
        check_allocated(object, object_class);
    return object;
}

[[gnu::noinline]] void* allocate_slowly(PerCpu<ObjectStock>& stocks)
{
    const auto stock = stocks.masked();
    if (!must_fail_now()) {
        if (object_guard != nullptr) {
            if (void* object = allocate_guarded(class_of(*stock)))
                return object;
        }
        const auto batch = std::span{stock->objects}.first(stock->capacity / 2u);
        if (stock->count == 0)
            stock->count = static_cast<u32>(object_cache(class_of(*stock)).take(class_of(*stock), batch));
        if (stock->count != 0)
            return pop(*stock);
    }
    allocation_failures.inc();
    return nullptr;
}

[[gnu::noinline]] void free_slowly(PerCpu<ObjectStock>& stocks, void* object)
{
    const auto stock = stocks.masked();
    if (object_guard != nullptr) {
        // Debug builds have asked the guard already, in free_to().
        if (kPoisonFreedMemory || !object_guard->free(object, class_of(*stock)))
            object_cache(class_of(*stock)).put(class_of(*stock), {&object, 1});
        return;
    }
    if (stock->count == stock->capacity)
        drain(*stock, stock->capacity / 2u);
    stock->objects[stock->count++] = object;
}

} // namespace

PERCIVAL_PERCPU_INITIALIZED std::array<PerCpu<ObjectStock>, kObjectClasses> object_stocks =
    empty_stocks(std::make_index_sequence<kObjectClasses>{});

void* allocate_from(PerCpu<ObjectStock>& stocks)
{
    {
        const auto stock = stocks.masked();
        if (stock->count != 0 && !failure_is_planned()) [[likely]]
            return pop(*stock);
    }
    // Interrupts are as they were before the call, so allocate_slowly() looks again, perhaps on another CPU.
    return allocate_slowly(stocks);
}

void free_to(PerCpu<ObjectStock>& stocks, void* object)
{
    if constexpr (kPoisonFreedMemory) {
        const auto index = static_cast<u32>(&stocks - object_stocks.data());
        if (object_guard != nullptr && object_guard->free(object, ObjectClass{index}))
            return;
        if (!check_freed(object, ObjectClass{index}))
            return;
    }
    {
        const auto stock = stocks.masked();
        if (stock->count != stock->capacity) [[likely]] {
            stock->objects[stock->count++] = object;
            return;
        }
    }
    free_slowly(stocks, object);
}

void install_object_guard(const ObjectGuard& guard, u32 cpus)
{
    drain_object_stock();
    for (PerCpu<ObjectStock>& stocks : object_stocks) {
        for (u32 cpu = 0; cpu < cpus; ++cpu)
            stocks.on(CpuId{cpu}).capacity = 0;
    }
    object_guard = &guard;
}

void* allocate_large(Bytes size)
{
    const auto block = allocate_pages(order_for(size, KernelGeometry::kPageSize));
    return block ? linear_pointer<void>(*block) : nullptr;
}

void free_large(void* object, Bytes size)
{
    free_pages(linear_to_physical(address_of(object)), order_for(size, KernelGeometry::kPageSize));
}

void drain_object_stock()
{
    for (PerCpu<ObjectStock>& stocks : object_stocks) {
        const auto stock = stocks.masked();
        drain(*stock, stock->count);
        object_cache(class_of(*stock)).trim();
    }
}

} // namespace percival::mm
