// SPDX-License-Identifier: BSD-2-Clause
// A CPU's own stock of percpu memory of the usual sizes, so that most allocations and frees touch no lock and
// nothing that another CPU uses. What a CPU has too much of goes in whole magazines to a depot, one for each
// size, and from there to CPUs that run out, or back to the chunks when a worker comes by.
//
// A stock is touched by its CPU only, and only with interrupts masked (as in mm/pages/page_cache.hpp).
//
// INV-percpu_stock-1: what is in a stock or a depot is allocated as far as its chunk knows, and has no tag
//                     (INV-percpu_chunk-2): it is in nobody's hands.
#pragma once

#include "arch/cpu/processor.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu_memory/class.hpp"
#include "mm/percpu_memory/store.hpp"

#include <array>

namespace percival::percpu {

// Places by the lower halves of their addresses: the upper half is that of the window.
struct alignas(64) Stock {
    static constexpr u32 kMax = 31;

    void push(VirtAddr place) { places[count++] = static_cast<u32>(place.raw()); }
    VirtAddr pop() { return place_at(--count); }
    VirtAddr place_at(u32 index) const { return VirtAddr{kUpperHalf | places[index]}; }

    u32 count;
    std::array<u32, kMax> places; // the last freed on top

private:
    static constexpr u64 kUpperHalf = mm::KernelLayout::kLocalPercpu.base.raw() & ~u64{0xffff'ffff};
    static_assert(((mm::KernelLayout::kLocalPercpu.end() - Bytes{1}).raw() & ~u64{0xffff'ffff}) ==
                  kUpperHalf);
};

extern PerCpu<std::array<Stock, Class::kCount>> stocks;

// From the depot or the chunks, when this CPU's stock is empty, which it fills.
std::expected<VirtAddr, Error> refill_stock(Class size_class, bool may_block);
// When this CPU's stock is full: all of it goes to the depot.
void put_into_full_stock(Class size_class, VirtAddr place);

inline std::expected<VirtAddr, Error> take_from_stock(Class size_class, bool may_block)
{
    {
        const arch::InterruptMask masked;
        const Pin pin{masked};
        Stock& stock = stocks.here(pin)[size_class.number() - 1];
        if (stock.count != 0) [[likely]]
            return stock.pop();
    }
    return refill_stock(size_class, may_block);
}

// False: this CPU's stock is full. Interrupts masked.
inline bool try_put(Class size_class, VirtAddr place, const Pin& pin)
{
    Stock& stock = stocks.here(pin)[size_class.number() - 1];
    if (stock.count == Stock::kMax) [[unlikely]]
        return false;
    stock.push(place);
    return true;
}

inline void put_into_stock(Class size_class, VirtAddr place)
{
    {
        const arch::InterruptMask masked;
        if (try_put(size_class, place, Pin{masked})) [[likely]]
            return;
    }
    put_into_full_stock(size_class, place);
}

// Gives all magazines but `kept` of each size back to the chunks. Any context; takes a while.
void reduce_depots(u32 kept);
// Gives what is in this CPU's stocks back to the chunks. Any context.
void drain_stocks();

// Of one CPU's units, what lies in all stocks and depots. For dumps: others allocate meanwhile.
Bytes bytes_in_stock();

// Has a worker trim the depots and balance the store, if there is something to do. Any context; after whatever
// changed that.
void balance_if_needed();

} // namespace percival::percpu
