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

namespace percival::mm {

// Places by the lower halves of their addresses: the upper half is that of the window.
struct alignas(64) PercpuStock {
    static constexpr u32 kMost = 31;

    void push(VirtAddr place) { places[count++] = static_cast<u32>(place.raw()); }
    VirtAddr pop() { return place_at(--count); }
    VirtAddr place_at(u32 index) const { return VirtAddr{kUpperHalf | places[index]}; }

    u32 count;
    std::array<u32, kMost> places; // the last freed on top

private:
    static constexpr u64 kUpperHalf = KernelLayout::kLocalPercpu.base.raw() & ~u64{0xffff'ffff};
    static_assert(((KernelLayout::kLocalPercpu.end() - Bytes{1}).raw() & ~u64{0xffff'ffff}) == kUpperHalf);
};

extern PerCpu<std::array<PercpuStock, PercpuClass::kCount>> percpu_stocks;

// From the depot or the chunks, when this CPU's stock is empty, which it fills.
std::expected<VirtAddr, PercpuError> refill_percpu_stock(PercpuClass its_class, bool may_block);
// When this CPU's stock is full: all of it goes to the depot.
void spill_percpu_stock(PercpuClass its_class, VirtAddr place);

inline std::expected<VirtAddr, PercpuError> take_from_percpu_stock(PercpuClass its_class, bool may_block)
{
    {
        const arch::InterruptMask masked;
        const Pin pin{masked};
        PercpuStock& stock = percpu_stocks.here(pin)[its_class.number() - 1];
        if (stock.count != 0) [[likely]]
            return stock.pop();
    }
    return refill_percpu_stock(its_class, may_block);
}

// False: this CPU's stock is full. Interrupts masked.
inline bool has_put_into_percpu_stock(PercpuClass its_class, VirtAddr place, const Pin& pin)
{
    PercpuStock& stock = percpu_stocks.here(pin)[its_class.number() - 1];
    if (stock.count == PercpuStock::kMost) [[unlikely]]
        return false;
    stock.push(place);
    return true;
}

inline void give_to_percpu_stock(PercpuClass its_class, VirtAddr place)
{
    {
        const arch::InterruptMask masked;
        if (has_put_into_percpu_stock(its_class, place, Pin{masked})) [[likely]]
            return;
    }
    spill_percpu_stock(its_class, place);
}

// Gives all magazines but `kept` of each size back to the chunks. Any context; takes a while.
void reduce_percpu_depots(u32 kept);
// Gives what is in this CPU's stocks back to the chunks. Any context.
void drain_percpu_stocks();

// Of one CPU's units, what lies in all stocks and depots. For dumps: others allocate meanwhile.
Bytes percpu_bytes_in_stock();

// Has a worker trim the depots and balance the store, if there is something to do. Any context; after whatever
// changed that.
void balance_percpu_if_needed();

} // namespace percival::mm
