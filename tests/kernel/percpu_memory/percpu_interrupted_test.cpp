// SPDX-License-Identifier: BSD-2-Clause
// Tests stocks that change between the check and the slow path: a full stock is empty, or an empty one full,
// because of an interrupt or a migration. A hardware breakpoint stands in for the interrupt, so the tests are
// deterministic.
#include "arch/debug/breakpoint.hpp"
#include "kernel/sched/thread_affinity.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/percpu_support.hpp"

namespace percival {
namespace {

constexpr Bytes kSize{64};
const percpu::Class kClass = *percpu::Class::of(*percpu::Request::of(kSize, kSize, kPage));

// The handlers of the breakpoint at the first instruction of the slow path, for a full and for an empty
// stock.
void empty_the_stocks()
{
    percpu::drain_stocks();
}

void fill_the_stock()
{
    std::array<VirtAddr, percpu::Stock::kMax> objects{};
    for (VirtAddr& object : objects)
        object = percpu::allocate_atomic(kSize, kSize).value_or(VirtAddr{0});
    for (const VirtAddr object : objects)
        percpu::free(object);
}

void expect_all_apart()
{
    PercpuHerd herd{3 * percpu::Stock::kMax};
    while (!herd.is_full())
        ASSERT(herd.allocate(kSize, kSize));
    EXPECT(herd.are_signed());
}

PERCIVAL_TEST(percpu_interrupted, a_full_stock_may_be_empty_before_it_is_emptied)
{
    const StayOnCpu stay;
    const PercpuUse before = percpu_use();
    std::array<VirtAddr, percpu::Stock::kMax + 1> objects{};
    for (VirtAddr& object : objects)
        object = percpu::allocate(kSize, kSize).value_or(VirtAddr{0});
    drain_all_percpu_stocks();
    empty_percpu_depots();
    bool was_hit = false;
    for (u32 index = 0; index < objects.size(); ++index) {
        const arch::Breakpoint breakpoint{address_of(reinterpret_cast<void*>(&percpu::put_into_full_stock)),
                                          &empty_the_stocks};
        percpu::free(objects[index]);
        was_hit = was_hit || breakpoint.was_hit();
    }
    EXPECT(was_hit);
    drain_all_percpu_stocks(); // so that the next allocation takes from the depot
    expect_all_apart();
    expect_same_percpu_use(before);
}

PERCIVAL_TEST(percpu_interrupted, an_empty_stock_may_be_full_before_it_is_refilled)
{
    const StayOnCpu stay;
    const PercpuUse before = percpu_use();
    for (const bool from_depot : {false, true}) {
        settle_percpu();
        if (from_depot) {
            fill_the_stock();
            percpu::put_into_full_stock(kClass, *percpu::take_from_stock(kClass, true));
            percpu::drain_stocks();
        }
        bool was_hit = false;
        VirtAddr object{0};
        {
            const arch::Breakpoint breakpoint{address_of(reinterpret_cast<void*>(&percpu::refill_stock)),
                                              &fill_the_stock};
            object = percpu::allocate(kSize, kSize).value_or(VirtAddr{0});
            was_hit = breakpoint.was_hit();
        }
        EXPECT(was_hit);
        EXPECT(object != VirtAddr{0});
        expect_all_apart();
        percpu::free(object);
    }
    expect_same_percpu_use(before);
}

} // namespace
} // namespace percival
