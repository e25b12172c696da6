// SPDX-License-Identifier: BSD-2-Clause
// Tests where the shadow is mapped: under every root that maps the memory, and once for each mapping.
#include "mm/percpu/window.hpp"
#include "mm/percpu_shadow/mapping.hpp"
#include "mm/percpu_shadow/places.hpp"
#include "mm/roots/roots.hpp"
#include "tests/kernel/support/percpu_support.hpp"
#include "tests/kernel/support/roots.hpp"

namespace percival {
namespace {

using percpu::shadow::hook_counts;
using percpu::shadow::HookCounts;
using percpu::shadow::shadow_of;

PhysAddr mapped_at(PhysAddr root, VirtAddr address)
{
    const mm::KernelPageTable table{root, mm::kernel_tables()};
    const auto found = table.walk(address);
    return found.kind() == mm::PteKind::Leaf
               ? found.pte.address() +
                     Bytes{address.raw() & (mm::KernelGeometry::entry_size(found.level).count() - 1)}
               : PhysAddr{0};
}

// Counts of the hooks since the beginning, for the master and for one CPU's root.
class CountsSince {
public:
    explicit CountsSince(PhysAddr root) : root_{root}, before_{hook_counts(root)} {}
    u64 mapped() const { return hook_counts(root_).mapped - before_.mapped; }
    u64 unmapped() const { return hook_counts(root_).unmapped - before_.unmapped; }

private:
    PhysAddr root_;
    HookCounts before_;
};

PERCIVAL_TEST(percpu_shadow_mapping, local_and_global_shadow_are_the_same_memory_under_each_root)
{
    SKIP_WITH_COMMON_ROOT();
    const Percpu object{percpu::kMaxSize};
    ASSERT(object);
    const VirtAddr window = mm::KernelLayout::kLocalPercpu.base;
    for_each_possible_cpu([&](CpuId cpu) {
        for (const VirtAddr local : {window, object.address(), object.address() + Bytes{5000}}) {
            const PhysAddr shadow = mapped_at(mm::master_root(), shadow_of(mm::local_to_global(local, cpu)));
            EXPECT(shadow != PhysAddr{0});
            EXPECT_EQ(mapped_at(mm::cpu_root(cpu), shadow_of(local)), shadow);
            EXPECT_EQ(mapped_at(mm::cpu_root(cpu), shadow_of(mm::local_to_global(local, kBootCpu))),
                      mapped_at(mm::master_root(), shadow_of(mm::local_to_global(local, kBootCpu))));
        }
    });
    EXPECT_EQ(mapped_at(mm::master_root(), shadow_of(object.address())), PhysAddr{0});
}

// The pages that all roots map in addition, or no longer map, are those that the hooks were called for.
PERCIVAL_TEST(percpu_shadow_mapping, the_hooks_fire_once_for_each_page_with_each_root_that_maps_it)
{
    SKIP_WITH_COMMON_ROOT();
    settle_percpu();
    const u64 pages_before = percpu::page_statistics().pages;
    const CountsSince master{mm::master_root()};
    const CountsSince boot{mm::cpu_root(kBootCpu)};
    const CountsSince last{mm::cpu_root(CpuId{possible_cpu_count() - 1})};
    constexpr u32 kObjects = 6 * kLargestPerUnit;
    {
        PercpuHerd herd{kObjects};
        while (herd.allocate(percpu::kMaxSize)) {
        }
        ASSERT(herd.is_full());
        const u64 pages = percpu::page_statistics().pages - pages_before;
        EXPECT(pages != 0);
        EXPECT_EQ(master.mapped() - master.unmapped(), pages);
    }
    settle_percpu();
    const u64 left = percpu::page_statistics().pages - pages_before;
    EXPECT_EQ(master.mapped() - master.unmapped(), left);
    EXPECT(master.unmapped() != 0);
    // A linked window shows what the master maps; a mapped one has the CPU's share of it.
    const u64 share = percpu::window == percpu::Window::Linked ? 0 : 1;
    for (const CountsSince* own : {&boot, &last}) {
        EXPECT_EQ(own->mapped() * possible_cpu_count(), share * master.mapped());
        EXPECT_EQ(own->unmapped() * possible_cpu_count(), share * master.unmapped());
    }
}

// Boot is included: no page has been mapped without its shadow, or unmapped.
PERCIVAL_TEST(percpu_shadow_mapping, the_hooks_have_fired_for_all_percpu_memory)
{
    settle_percpu();
    const HookCounts master = hook_counts(mm::master_root());
    const u64 first_units = percpu::first_chunk()->size / kPage * possible_cpu_count();
    EXPECT_EQ(master.mapped - master.unmapped, percpu::page_statistics().pages + first_units);
}

} // namespace
} // namespace percival
