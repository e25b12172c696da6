// SPDX-License-Identifier: BSD-2-Clause
// mm/percpu_memory with weakly ordered memory: objects that go from CPU to CPU, wrong frees, and chunks that
// come and go meanwhile.
#include "interrupts.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sync/rcu.hpp"
#include "memory_order/percpu_memory/machine.hpp"
#include "memory_order/support/judge.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu_memory/address.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "mm/percpu_memory/stock.hpp"

#include <gtest/gtest.h>

#include <string>

namespace percival::testing {
namespace {

using percpu::Stock;

struct TwoCpus {
    static constexpr u32 kCpus = 2;
    const PercpuMachine& machine{percpu_machine()};
    std::string wrong;

    TwoCpus()
    {
        handle_ipi(arch::Ipi::Quiesce, &rcu::report_or_ask);
        switch_handler = &rcu::note_quiescent_state;
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            set_online(CpuId{cpu}, {});
    }
    std::string verdict() const { return wrong; }

    static Stock& stock_of(u32 cpu) { return percpu::stocks.on(CpuId{cpu})[kPlaceClass.number() - 1]; }
    static percpu::Allocation allocate() { return percpu::allocate_atomic(Bytes{8}, Bytes{8}); }
    // Makes `place` an object that is in use, and whose copies hold something.
    static void make_object(VirtAddr place)
    {
        percpu::chunk_at(place)->tag_of(place).store(static_cast<percpu::Tag>(kPlaceClass.number()),
                                                     std::memory_order_relaxed);
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            copy_of(place, cpu).store(1, std::memory_order_relaxed);
    }
    static u64 refused()
    {
        u64 sum = 0;
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            sum += mm::bad_frees.on(CpuId{cpu});
        return sum;
    }
};

// CPU 0 writes to an object and frees it. It goes to the depot with a full stock, and CPU 1 may get it.
struct HandedOn : TwoCpus {
    const VirtAddr object{machine.places[0]};
    const VirtAddr another{machine.places[1]};
    bool is_handed_on{false}; // CPU 1 only

    HandedOn()
    {
        make_object(object);
        make_object(another);
        Stock& stock = stock_of(0);
        while (stock.count < Stock::kMax - 1)
            stock.push(machine.places[2 + stock.count]);
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            copy_of(object, 0).store(2, std::memory_order_relaxed);
            copy_of(object, 1).store(3, std::memory_order_relaxed);
            percpu::free(object);
            return percpu::free(another);
        }
        const auto got = allocate();
        is_handed_on = got == object;
        if (!is_handed_on)
            return;
        for (u32 copy = 0; copy < kCpus; ++copy) {
            if (copy_of(object, copy).load(std::memory_order_relaxed) != 0)
                wrong = "an object is handed out that is not zeroed";
            copy_of(object, copy).store(4, std::memory_order_relaxed);
        }
    }
    std::string verdict() const
    {
        for (u32 copy = 0; is_handed_on && copy < kCpus; ++copy) {
            if (copy_of(object, copy).load(std::memory_order_relaxed) != 4)
                return "a write of the one who freed an object comes after those of its next owner";
        }
        return wrong;
    }
};

// CPU 1 frees an object that CPU 0 is allocating, which is a mistake. If the free counts, the memory is
// CPU 1's to hand out again.
struct FreedByMistake : TwoCpus {
    const VirtAddr object{machine.places[0]};
    bool has_it{false}; // CPU 1 only

    FreedByMistake() { stock_of(0).push(object); }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            static_cast<void>(allocate());
            return;
        }
        percpu::free(object);
        has_it = stock_of(1).count == 1 && allocate() == object;
        for (u32 copy = 0; has_it && copy < kCpus; ++copy)
            copy_of(object, copy).store(4, std::memory_order_relaxed);
    }
    std::string verdict() const
    {
        if (!has_it && refused() != 1)
            return "a free that does not count is not reported";
        for (u32 copy = 0; has_it && copy < kCpus; ++copy) {
            if (copy_of(object, copy).load(std::memory_order_relaxed) != 4)
                return "an object is zeroed after it was freed";
        }
        return wrong;
    }
};

// Both CPUs free an object.
struct FreedTwice : TwoCpus {
    const VirtAddr object{machine.places[0]};

    FreedTwice() { make_object(object); }
    void run(u32) const { percpu::free(object); }
    std::string verdict() const
    {
        if (stock_of(0).count + stock_of(1).count != 1)
            return "an object that is freed twice is not free once";
        return refused() == 1 ? "" : "a second free is not reported";
    }
};

// CPU 1 frees what CPU 0 is allocating in the reserved part.
struct ReservedFreedByMistake : TwoCpus {
    const VirtAddr object{mm::KernelLayout::kLocalPercpu.base + percpu::first_chunk()->reserved_begin};

    void run(u32 cpu)
    {
        if (cpu == 1)
            return percpu::free(object);
        if (percpu::allocate_reserved(Bytes{8}, Bytes{8}) != object)
            wrong = "the reserved part does not begin at its beginning";
    }
};

// A chunk comes or goes while CPU 1 frees an address in it that nobody has allocated.
struct WrongFree : TwoCpus {
    static constexpr Bytes kInto{4096};

    static void free_wrongly(VirtAddr chunk)
    {
        const VirtAddr address = chunk + kInto;
        if (percpu::find_address(address).allocated)
            order_explorer().fail("a place that nobody has allocated is found to be allocated");
        percpu::free(address);
    }
    std::string verdict() const
    {
        return refused() == 1 && stock_of(1).count == 0 ? "" : "a wrong free is not refused";
    }
};

struct ChunkComes : WrongFree {
    void run(u32 cpu) const
    {
        if (cpu == 0)
            percpu::enter_chunk(
                *percpu::Chunk::make(machine.next_chunk, {percpu::kUnit, Bytes{0}, percpu::kUnit}));
        else
            free_wrongly(machine.next_chunk);
    }
};

struct ChunkGoes : WrongFree {
    void run(u32 cpu) const
    {
        if (cpu == 0)
            percpu::store().balance();
        else
            free_wrongly(machine.unused_chunk);
    }
    std::string verdict() const
    {
        if (percpu::chunk_at(machine.unused_chunk) != nullptr)
            return "the chunk does not go";
        return WrongFree::verdict();
    }
};

class PercpuMemoryOrder : public ::testing::Test {
protected:
    // What the allocator did at boot comes before all schedules.
    static void SetUpTestSuite() { percpu_machine(); }
};

TEST_F(PercpuMemoryOrder, WhatIsFreedOnOneCpuBelongsWhollyToTheOneThatGetsItNext)
{
    EXPECT_EQ(judge<HandedOn>({"kernel/sync/spinlock.hpp"}, {.deviations = 2}), "");
}

TEST_F(PercpuMemoryOrder, OneOfTwoFreesCountsAndAWrongOneHasNoEffect)
{
    EXPECT_EQ(
        (judge<FreedByMistake, FreedTwice, ReservedFreedByMistake, ChunkComes>(
            {"mm/percpu_memory/allocator.cpp", "mm/percpu_memory/chunk.cpp", "mm/percpu_memory/chunk.hpp"},
            {.deviations = 2})),
        "");
}

TEST_F(PercpuMemoryOrder, AWrongFreeUsesNoChunkThatIsGone)
{
    EXPECT_EQ(order_explorer().explore<ChunkGoes>({.deviations = 1}).failure, "");
}

} // namespace
} // namespace percival::testing
