// SPDX-License-Identifier: BSD-2-Clause
// Each CPU's stocks of free percpu memory, one for each size class. Most allocations and frees use only the
// stock: they take no lock and touch nothing that another CPU uses. A full stock goes to the depot of its
// class as one magazine. From the depot it goes to a CPU whose stock is empty, or a worker returns it to the
// chunks.
//
// Only its own CPU touches a stock, and only with interrupts masked, as through PerCpu::masked().
//
// Invariant: a place in a stock or a depot is allocated in the map of its chunk, but has no tag
// (INV-percpu_chunk-2), because no caller has it.
#pragma once

#include "arch/cpu/processor.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu_memory/class.hpp"
#include "mm/percpu_memory/store.hpp"

#include <array>

namespace percival::percpu {

// A stack of places. It holds the lower halves of their addresses; the upper half is the same in all of the
// window.
struct alignas(64) Stock {
    static constexpr u32 kMax = 31;

    void push(VirtAddr place) { places[count++] = static_cast<u32>(place.raw()); }
    VirtAddr pop() { return place_at(--count); }
    VirtAddr place_at(u32 index) const { return VirtAddr{kUpperHalf | places[index]}; }

    u32 count;
    std::array<u32, kMax> places; // the place freed last is on top

private:
    static constexpr u64 kUpperHalf = mm::KernelLayout::kLocalPercpu.base.raw() & ~u64{0xffff'ffff};
    static_assert(((mm::KernelLayout::kLocalPercpu.end() - Bytes{1}).raw() & ~u64{0xffff'ffff}) ==
                  kUpperHalf);
};

extern PerCpu<std::array<Stock, Class::kCount>> stocks;

// Takes places from the depot or the chunks, returns one and puts the others into this CPU's stock. Called
// when that stock is empty. Any context unless `may_block`.
std::expected<VirtAddr, Error> refill_stock(Class size_class, bool may_block);
// Moves this CPU's stock, which is full, to the depot (or to the chunks) and then puts `place` into it. Any
// context.
void put_into_full_stock(Class size_class, VirtAddr place);

// Takes a place of the class from this CPU's stock, which it refills if necessary. Any context unless
// `may_block`.
inline std::expected<VirtAddr, Error> take_from_stock(Class size_class, bool may_block)
{
    {
        const auto all = stocks.masked();
        Stock& stock = (*all)[size_class.number() - 1];
        if (stock.count != 0) [[likely]]
            return stock.pop();
    }
    return refill_stock(size_class, may_block);
}

// Puts `place` into this CPU's stock, or returns false if the stock is full. Interrupts masked.
inline bool try_put(Class size_class, VirtAddr place, const Pin& pin)
{
    Stock& stock = stocks.here(pin)[size_class.number() - 1];
    if (stock.count == Stock::kMax) [[unlikely]]
        return false;
    stock.push(place);
    return true;
}

// Puts `place` into this CPU's stock, which it empties first if it is full. Any context.
inline void put_into_stock(Class size_class, VirtAddr place)
{
    {
        const arch::InterruptMask masked;
        if (try_put(size_class, place, Pin{masked})) [[likely]]
            return;
    }
    put_into_full_stock(size_class, place);
}

// Returns all magazines to the chunks, except `kept` of each class. Any context, but slow.
void reduce_depots(u32 kept);
// Returns all places in this CPU's stocks to the chunks. Any context.
void drain_stocks();

// Returns how much of one CPU's units lies in all stocks and depots. For dumps: other CPUs may allocate
// meanwhile.
Bytes bytes_in_stock();

// Queues a worker that trims the depots and balances the store, if there is something to do. Called after
// each change that may give it something to do. Any context.
void balance_if_needed();
// Waits until that worker is neither queued nor running. What it was asked for before has then taken effect.
// Threads only; blocks.
void finish_balance();

} // namespace percival::percpu
