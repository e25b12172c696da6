// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/stock.hpp"

#include "kernel/wait/work_queue.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/percpu/area.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace percival::mm {

PERCIVAL_PERCPU PerCpu<std::array<PercpuStock, PercpuClass::kCount>> percpu_stocks{};

namespace {

// A stock's worth on its way.
struct Magazine {
    Magazine() {} // NOLINT: the contents come when it is filled

    PercpuStock contents;
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

constinit std::array<Depot, PercpuClass::kCount> depots{};

void balance(void*)
{
    depots_overflow.store(false, std::memory_order_relaxed);
    reduce_percpu_depots(Depot::kEnough / 2);
    percpu_store().balance();
}
constinit Work balance_work{&balance, nullptr};

// Places that a stock is filled with at once: a stock's worth, but not more than a page of the smallest granule
// holds. Chunks have few pages ready for callers that cannot wait, and one CPU is not to have them all.
constexpr u32 batch_of(PercpuClass its_class)
{
    return static_cast<u32>(std::clamp<u64>(4096 / its_class.size().count(), 1, PercpuStock::kMost));
}

void give_to_store(const PercpuStock& stock)
{
    std::array<VirtAddr, PercpuStock::kMost> places;
    for (u32 n = 0; n < stock.count; ++n)
        places[n] = stock.place_at(n);
    percpu_store().give(std::span{places}.first(stock.count));
}

// What this CPU, whichever it is by now, has no room for goes on as any free does.
void keep(PercpuClass its_class, std::span<const VirtAddr> places)
{
    for (const VirtAddr place : places)
        give_to_percpu_stock(its_class, place);
}

std::optional<VirtAddr> take_from_depot(PercpuClass its_class)
{
    Magazine* magazine = depots[its_class.number() - 1].take();
    if (magazine == nullptr)
        return {};
    const PercpuStock contents = magazine->contents;
    destroy(magazine);
    std::array<VirtAddr, PercpuStock::kMost> places;
    for (u32 n = 0; n < contents.count; ++n)
        places[n] = contents.place_at(n);
    keep(its_class, std::span{places}.first(contents.count - 1));
    return places[contents.count - 1];
}

} // namespace

std::expected<VirtAddr, PercpuError> refill_percpu_stock(PercpuClass its_class, bool may_block)
{
    if (const auto place = take_from_depot(its_class))
        return *place;
    std::array<VirtAddr, PercpuStock::kMost> room;
    const auto places = std::span{room}.first(batch_of(its_class));
    u32 count = percpu_store().take(its_class.request(), places);
    if (count == 0 && may_block) {
        const auto first = percpu_store().take_blocking(its_class.request());
        if (!first)
            return first;
        // The rest of the page it came with.
        places[0] = *first;
        count = 1 + percpu_store().take(its_class.request(), places.subspan(1));
    }
    if (count == 0)
        percpu_store().note_missed(its_class.request());
    balance_percpu_if_needed();
    if (count == 0)
        return std::unexpected{PercpuError::NoMemory};
    keep(its_class, places.first(count - 1));
    return places[count - 1];
}

// All that is in this CPU's stock, which is empty afterwards.
[[gnu::always_inline]] inline void empty_into(PercpuStock& taken, PercpuClass its_class)
{
    const arch::InterruptMask masked;
    const Pin pin{masked};
    PercpuStock& stock = percpu_stocks.here(pin)[its_class.number() - 1];
    static_assert(sizeof taken == 128);
    __builtin_memcpy_inline(&taken, &stock, sizeof taken);
    stock.count = 0;
}

void spill_percpu_stock(PercpuClass its_class, VirtAddr place)
{
    if (Magazine* magazine = create<Magazine>()) {
        empty_into(magazine->contents, its_class);
        // An interrupt may have emptied it, or the thread be on a CPU whose stock is empty.
        if (magazine->contents.count != 0)
            depots[its_class.number() - 1].put(*magazine);
        else
            destroy(magazine);
    } else {
        PercpuStock taken;
        empty_into(taken, its_class);
        give_to_store(taken);
    }
    balance_percpu_if_needed();
    give_to_percpu_stock(its_class, place);
}

void reduce_percpu_depots(u32 kept)
{
    for (Depot& depot : depots) {
        while (Magazine* magazine = depot.take(kept)) {
            give_to_store(magazine->contents);
            destroy(magazine);
        }
    }
}

Bytes percpu_bytes_in_stock()
{
    Bytes total{0};
    for (u32 number = 1; number <= PercpuClass::kCount; ++number) {
        u64 count = u64{depots[number - 1].size()} * PercpuStock::kMost;
        for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu)
            count += std::atomic_ref{percpu_stocks.on(CpuId{cpu})[number - 1].count}.load(
                std::memory_order_relaxed);
        total += PercpuClass{number}.size() * count;
    }
    return total;
}

void balance_percpu_if_needed()
{
    if (depots_overflow.load(std::memory_order_relaxed) || percpu_store().needs_balance())
        queue_work(balance_work);
}

void drain_percpu_stocks()
{
    for (u32 number = 1; number <= PercpuClass::kCount; ++number) {
        PercpuStock all;
        empty_into(all, PercpuClass{number});
        give_to_store(all);
    }
}

} // namespace percival::mm
