// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/stock.hpp"

#include "kernel/wait/work_queue.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/percpu/area.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace percival::percpu {

using namespace mm;

PERCIVAL_PERCPU PerCpu<std::array<Stock, Class::kCount>> stocks{};

namespace {

// A stock's contents on the way from one CPU to another, or to the chunks.
struct Magazine {
    Magazine() {} // NOLINT: put_into_full_stock() fills the contents

    Stock contents;
    Magazine* next{nullptr};
};

// True if some depot holds more magazines than its high-water mark. balance() clears it and trims the depots.
constinit std::atomic<bool> depots_overflow{false};

// The magazines of one size class. Any context.
class Depot : Immovable {
public:
    constexpr Depot() = default;

    // With more magazines than this, the worker trims the depot.
    static constexpr u32 kHighWaterMark = 8;

    // Adds a magazine that is not empty.
    void put(Magazine& magazine) PERCIVAL_EXCLUDES(lock_)
    {
        const IrqSpinGuard guard{lock_};
        magazine.next = std::exchange(first_, &magazine);
        ++count_;
        if (count_ > kHighWaterMark)
            depots_overflow.store(true, std::memory_order_relaxed);
    }
    // Removes a magazine, or returns null if there are no more than `kept`.
    Magazine* take(u32 kept = 0) PERCIVAL_EXCLUDES(lock_)
    {
        const IrqSpinGuard guard{lock_};
        if (count_ <= kept)
            return nullptr;
        --count_;
        return std::exchange(first_, first_->next);
    }

    u32 size() PERCIVAL_EXCLUDES(lock_)
    {
        const IrqSpinGuard guard{lock_};
        return count_;
    }

private:
    SpinLock lock_{};
    Magazine* first_ PERCIVAL_GUARDED_BY(lock_){nullptr};
    u32 count_ PERCIVAL_GUARDED_BY(lock_){0};
};

constinit std::array<Depot, Class::kCount> depots{};

void balance(void*)
{
    depots_overflow.store(false, std::memory_order_relaxed);
    reduce_depots(Depot::kHighWaterMark / 2);
    store().balance();
}
constinit Work balance_work{&balance, nullptr};

// Returns how many places one refill takes: a full stock, but no more than fit into 4 KiB. The chunks keep
// only a few pages ready for atomic callers, and one CPU must not take them all.
constexpr u32 batch_of(Class size_class)
{
    return static_cast<u32>(std::clamp<u64>(4096 / size_class.size().count(), 1, Stock::kMax));
}

void put_into_store(const Stock& stock)
{
    std::array<VirtAddr, Stock::kMax> places;
    for (u32 n = 0; n < stock.count; ++n)
        places[n] = stock.place_at(n);
    store().put(std::span{places}.first(stock.count));
}

// Puts places into the stock of the CPU that the caller runs on by now; it may have migrated since it took
// them. Places that the stock has no room for go the way of any other free.
void put_into_stock(Class size_class, std::span<const VirtAddr> places)
{
    for (const VirtAddr place : places)
        put_into_stock(size_class, place);
}

std::optional<VirtAddr> take_from_depot(Class size_class)
{
    Magazine* magazine = depots[size_class.number() - 1].take();
    if (magazine == nullptr)
        return {};
    const Stock contents = magazine->contents;
    mm::destroy(magazine);
    std::array<VirtAddr, Stock::kMax> places;
    for (u32 n = 0; n < contents.count; ++n)
        places[n] = contents.place_at(n);
    put_into_stock(size_class, std::span{places}.first(contents.count - 1));
    return places[contents.count - 1];
}

} // namespace

std::expected<VirtAddr, Error> refill_stock(Class size_class, bool may_block)
{
    if (const auto place = take_from_depot(size_class))
        return *place;
    std::array<VirtAddr, Stock::kMax> room;
    const auto places = std::span{room}.first(batch_of(size_class));
    u32 count = store().take(size_class.request(), places);
    if (count == 0 && may_block) {
        const auto first = store().take_blocking(size_class.request());
        if (!first)
            return first;
        // The page that was populated for the first place has room for more.
        places[0] = *first;
        count = 1 + store().take(size_class.request(), places.subspan(1));
    }
    if (count == 0)
        store().note_missed(size_class.request());
    balance_if_needed();
    if (count == 0)
        return std::unexpected{Error::NoMemory};
    put_into_stock(size_class, places.first(count - 1));
    return places[count - 1];
}

// Moves the contents of this CPU's stock to `taken`.
[[gnu::always_inline]] inline void empty_into(Stock& taken, Class size_class)
{
    const auto all = stocks.masked();
    Stock& stock = (*all)[size_class.number() - 1];
    static_assert(sizeof taken == 128);
    __builtin_memcpy_inline(&taken, &stock, sizeof taken);
    stock.count = 0;
}

void put_into_full_stock(Class size_class, VirtAddr place)
{
    if (Magazine* magazine = mm::create<Magazine>()) {
        empty_into(magazine->contents, size_class);
        // The stock can be empty by now: an interrupt handler may have emptied it, or the thread migrated.
        if (magazine->contents.count != 0)
            depots[size_class.number() - 1].put(*magazine);
        else
            mm::destroy(magazine);
    } else {
        Stock taken;
        empty_into(taken, size_class);
        put_into_store(taken);
    }
    balance_if_needed();
    put_into_stock(size_class, place);
}

void reduce_depots(u32 kept)
{
    for (Depot& depot : depots) {
        while (Magazine* magazine = depot.take(kept)) {
            put_into_store(magazine->contents);
            mm::destroy(magazine);
        }
    }
}

Bytes bytes_in_stock()
{
    Bytes total{0};
    for (u32 number = 1; number <= Class::kCount; ++number) {
        u64 count = u64{depots[number - 1].size()} * Stock::kMax;
        for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
            count += std::atomic_ref{stocks.on(CpuId{cpu})[number - 1].count}.load(std::memory_order_relaxed);
        total += Class{number}.size() * count;
    }
    return total;
}

void balance_if_needed()
{
    if (depots_overflow.load(std::memory_order_relaxed) || store().needs_balance())
        balance_work.queue();
}

void finish_balance()
{
    balance_work.flush();
}

void drain_stocks()
{
    for (u32 number = 1; number <= Class::kCount; ++number) {
        Stock all;
        empty_into(all, Class{number});
        put_into_store(all);
    }
}

} // namespace percival::percpu
