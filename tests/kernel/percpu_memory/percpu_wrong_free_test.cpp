// SPDX-License-Identifier: BSD-2-Clause
// Tests wrong frees of percpu memory: they are refused and counted, and do no harm to other objects.
#include "kernel/wait/run_everywhere.hpp"
#include "linker/symbols.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

constexpr VirtRange kWindow = mm::KernelLayout::kLocalPercpu;

PERCIVAL_PERCPU PerCpu<u64> variable{};

void expect_refused(VirtAddr address)
{
    const u64 before = mm::memory_statistics().bad_frees;
    percpu::free(address);
    EXPECT_EQ(mm::memory_statistics().bad_frees, before + 1);
}

// A few objects of different sizes, which the wrong frees of a test must not change.
class Bystanders : Immovable {
public:
    Bystanders()
    {
        while (!herd_.is_full() && EXPECT(herd_.allocate(Bytes{herd_.size() % 2 == 0 ? 64u : 100u}))) {
        }
    }
    ~Bystanders()
    {
        EXPECT(herd_.are_signed());
        EXPECT_EQ(variable.on(kBootCpu), 0u);
        herd_.free_all();
        expect_same_percpu_use(before_);
    }

private:
    PercpuHerd herd_{16};
    PercpuUse before_{percpu_use()};
};

// Checks that of the next two allocations at most one gets the freed place.
void expect_handed_out_once(VirtAddr freed, Bytes size)
{
    const Percpu one{size};
    const Percpu two{size};
    ASSERT(one && two);
    EXPECT(one.address() != two.address());
    EXPECT((one.address() == freed) + (two.address() == freed) <= 1);
}

PERCIVAL_TEST(percpu_wrong_free, a_second_free_is_refused_in_a_stock_and_in_a_chunk)
{
    const Bystanders bystanders;
    for (const u32 size : {4u, 64u, 4096u, 12u, 5000u}) {
        const auto object = percpu::allocate(Bytes{size}, kGrain);
        ASSERT(object.has_value());
        percpu::free(*object);
        expect_refused(*object); // in a stock, if the size has a class
        expect_handed_out_once(*object, Bytes{size});
        expect_refused(*object);
        drain_all_percpu_stocks();
        empty_percpu_depots();
        expect_refused(*object); // in a chunk
        expect_handed_out_once(*object, Bytes{size});
        settle_percpu();
        expect_refused(*object);
    }
}

PERCIVAL_TEST(percpu_wrong_free, a_second_free_is_refused_in_a_depot)
{
    const Bystanders bystanders;
    constexpr u32 kMoreThanAStock = 3 * percpu::Stock::kMax;
    std::array<VirtAddr, kMoreThanAStock> objects{};
    for (VirtAddr& object : objects)
        object = percpu::allocate(Bytes{16}, kGrain).value_or(VirtAddr{0});
    for (const VirtAddr object : objects)
        percpu::free(object);
    for (const VirtAddr object : objects)
        expect_refused(object);
    PercpuHerd herd{kMoreThanAStock};
    while (!herd.is_full())
        ASSERT(herd.allocate(Bytes{16}));
    EXPECT(herd.are_signed());
}

PERCIVAL_TEST(percpu_wrong_free, addresses_inside_an_object_are_refused)
{
    const Bystanders bystanders;
    for (const u32 size : {64u, 4096u, 100u, 32768u}) {
        const Percpu object{Bytes{size}};
        ASSERT(object);
        sign_copies(object.address(), Bytes{size});
        for (const u64 into : {1u, 2u, 3u, 4u, 8u, size / 2, size - 4, size - 1})
            expect_refused(object.address() + Bytes{into});
        EXPECT(copies_are_signed(object.address(), Bytes{size}));
    }
}

PERCIVAL_TEST(percpu_wrong_free, a_global_alias_is_refused)
{
    const Bystanders bystanders;
    const Percpu object{Bytes{64}};
    ASSERT(object);
    for_each_possible_cpu([&](CpuId cpu) {
        if (cpu.index() < 4)
            expect_refused(mm::local_to_global(object.address(), cpu));
    });
}

PERCIVAL_TEST(percpu_wrong_free, static_variables_and_the_reserved_part_are_refused)
{
    const Bystanders bystanders;
    expect_refused(variable.local_address());
    expect_refused(kWindow.base);
    expect_refused(address_of(_percpu_end) - Bytes{4});
    expect_refused(kWindow.base + percpu::first_chunk()->reserved_begin);
    const auto place = percpu::allocate_reserved(Bytes{64}, kGrain);
    ASSERT(place.has_value());
    expect_refused(*place + kGrain);
    percpu::free(*place);
    expect_refused(*place);
    EXPECT(percpu::allocate_reserved(Bytes{64}, kGrain) == place); // the lowest place that fits
    percpu::free(*place);
}

PERCIVAL_TEST(percpu_wrong_free, places_behind_the_first_units_and_in_no_chunk_are_refused)
{
    const Bystanders bystanders;
    const Bytes first = percpu::first_chunk()->size;
    const Bytes step{percpu::kUnit.count() / 16};
    const u64 units = (first.count() + percpu::kUnit.count() - 1) / percpu::kUnit.count();
    for (Bytes at = first; at < percpu::kUnit * units; at = at + step)
        expect_refused(kWindow.base + at);
    expect_refused(kWindow.base + percpu::kUnit * units - kGrain);
    expect_refused(kWindow.end() - kGrain);
    expect_refused(kWindow.end() - percpu::kUnit);
}

PERCIVAL_TEST(percpu_wrong_free, addresses_of_a_destroyed_chunk_are_refused)
{
    const Bystanders bystanders;
    // Enough objects for more unused chunks than the store keeps.
    constexpr u32 kObjects = (3 + kChunksOfReserve) * kLargestPerUnit;
    std::array<VirtAddr, kObjects> objects{};
    for (VirtAddr& object : objects)
        object = percpu::allocate(percpu::kMaxSize, kGrain).value_or(VirtAddr{0});
    for (const VirtAddr object : objects)
        percpu::free(object);
    settle_percpu();
    u32 gone = 0;
    for (const VirtAddr object : objects) {
        gone += percpu::chunk_at(object) == nullptr;
        expect_refused(object);
    }
    EXPECT(gone >= kLargestPerUnit);
}

PERCIVAL_TEST(percpu_wrong_free, addresses_outside_the_percpu_areas_are_refused)
{
    const Bystanders bystanders;
    const u32 on_the_stack = 0;
    for (const VirtAddr address :
         {kWindow.base - kGrain, kWindow.end(), mm::KernelLayout::kGlobalPercpu.end(), address_of(_text),
          address_of(&on_the_stack), VirtAddr{4}, VirtAddr{~u64{3}}})
        expect_refused(address);
}

PERCIVAL_TEST(percpu_wrong_free, freeing_null_does_nothing)
{
    const u64 before = mm::memory_statistics().bad_frees;
    percpu::free(VirtAddr{0});
    EXPECT_EQ(mm::memory_statistics().bad_frees, before);
}

// Every CPU frees the same object. One free succeeds, and the others are refused.
PERCIVAL_TEST(percpu_wrong_free, only_one_of_all_cpus_that_free_an_object_succeeds)
{
    const Bystanders bystanders;
    for (const u32 size : {8u, 12u, 4096u}) {
        const auto object = percpu::allocate(Bytes{size}, kGrain);
        ASSERT(object.has_value());
        const u64 refused = mm::memory_statistics().bad_frees;
        run_everywhere([&object](CpuId) { percpu::free(*object); });
        EXPECT_EQ(mm::memory_statistics().bad_frees, refused + online_cpu_count() - 1);
    }
}

} // namespace
} // namespace percival
