// SPDX-License-Identifier: BSD-2-Clause
// Starts the page allocator: moves what early memory has left into zones, and sets up the page caches.
#include "kernel/lib/print.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/pages/page_cache.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/physical/page_zones.hpp"

#include <array>

namespace percival::mm {
namespace {

constinit bool started = false;

constexpr TablePageSource kTablePages{.allocate = &allocate_page, .free = &free_page};

// Room for a zone per bank, and for several where a bank is larger than a zone can be. The rest is left to
// memory that is added later.
constexpr std::size_t kMaxZonesAtBoot = 96;
static_assert(kMaxZonesAtBoot < PageZones::kMaxZones);

// A zone to be made: a bank, or as large a part of one as a zone can manage, with memory for its descriptors.
struct PlannedZone {
    PhysRange bank;
    NumaNode node;
    PageDescriptor* descriptors;
};
using Plan = BoundedVector<PlannedZone, kMaxZonesAtBoot>;

// Adds a zone for `bank` to the plan. The descriptors come from memory of the same node if that has room.
void plan_zone(Plan& plan, PhysRange bank, NumaNode node)
{
    constexpr Bytes kPage = KernelGeometry::kPageSize;
    const u64 count = PageZone::descriptors_for(bank, KernelGeometry::kPageShift);
    // Whole pages: a bank may end in the middle of one, which is not mapped.
    const auto memory =
        early_memory().allocate_on(node, Bytes{count * sizeof(PageDescriptor)}.align_up(kPage), kPage);
    if (!memory || !plan.push({bank, node, linear_pointer<PageDescriptor>(memory->base)}))
        print("memory: no room to manage {} at {}, it is not used", bank.size, bank.base);
}

// Adds zones for a whole bank to the plan.
void plan_bank(Plan& plan, const MemoryBank& bank)
{
    constexpr Bytes kMaxZone{PageZone::kMaxPages << KernelGeometry::kPageShift};
    PhysRange left = bank.range;
    while (!left.is_empty()) {
        const PhysRange part{left.base, std::min(left.size, kMaxZone)};
        plan_zone(plan, part, NumaNode{bank.numa_node});
        left = {part.end(), left.size - part.size};
    }
}

} // namespace

void start_page_allocator(const MachineDescription& machine)
{
    static constinit Plan plan; // too large for a stack
    for (const MemoryBank& bank : machine.memory)
        plan_bank(plan, bank);
    kernel_tables().free_rest();
    const auto free = early_memory().hand_over(KernelGeometry::kPageSize);
    for (const PlannedZone& planned : plan) {
        PageZone& zone = *page_zones().unused();
        zone.init(planned.bank, planned.node, KernelGeometry::kPageShift, planned.descriptors, free);
        page_zones().add(zone);
    }
    for (u32 cpu = 0; cpu < machine.cpus.size(); ++cpu)
        page_cache.on(CpuId{cpu}).node = NumaNode{machine.cpus[cpu].numa_node};
    started = true;
    kernel_tables().use_page_source(kTablePages);
}

bool page_allocator_has_started()
{
    return started;
}

} // namespace percival::mm
