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

// A stock's worth on its way.
struct Magazine {
    Magazine() {} // NOLINT: the contents come when it is filled

    Stock contents;
    Magazine* next{nullptr};
};

// One has more than enough.
constinit std::atomic<bool> depots_overflow{false};

class Depot : Immovable {
public:
    constexpr Depot() = default;

    // Nobody needs to hurry when there are not more than this.
    static constexpr u32 kEnough = 8;

    // One that is not empty.
    void put(Magazine& magazine) PERCIVAL_EXCLUDES(lock_)
    {
        const IrqSpinGuard guard{lock_};
        magazine.next = std::exchange(first_, &magazine);
        ++count_;
        if (count_ > kEnough)
            depots_overflow.store(true, std::memory_order_relaxed);
    }
    // Null: there are not more than `spare`.
    Magazine* take(u32 spare = 0) PERCIVAL_EXCLUDES(lock_)
    {
        const IrqSpinGuard guard{lock_};
        if (count_ <= spare)
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
    reduce_depots(Depot::kEnough / 2);
    store().balance();
}
constinit Work balance_work{&balance, nullptr};

// Places that a stock is filled with at once: a stock's worth, but not more than a page of the smallest granule
// holds. Chunks have few pages ready for callers that cannot wait, and one CPU is not to have them all.
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

// What this CPU, whichever it is by now, has no room for goes on as any free does.
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
        // The rest of the page it came with.
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

// All that is in this CPU's stock, which is empty afterwards.
[[gnu::always_inline]] inline void empty_into(Stock& taken, Class size_class)
{
    const arch::InterruptMask masked;
    const Pin pin{masked};
    Stock& stock = stocks.here(pin)[size_class.number() - 1];
    static_assert(sizeof taken == 128);
    __builtin_memcpy_inline(&taken, &stock, sizeof taken);
    stock.count = 0;
}

void put_into_full_stock(Class size_class, VirtAddr place)
{
    if (Magazine* magazine = mm::create<Magazine>()) {
        empty_into(magazine->contents, size_class);
        // An interrupt may have emptied it, or the thread be on a CPU whose stock is empty.
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

void drain_stocks()
{
    for (u32 number = 1; number <= Class::kCount; ++number) {
        Stock all;
        empty_into(all, Class{number});
        put_into_store(all);
    }
}

} // namespace percival::percpu
