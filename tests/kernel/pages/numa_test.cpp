// SPDX-License-Identifier: BSD-2-Clause
// Tests that pages come from the CPU's own NUMA node while it has some, and from other nodes then. Needs a
// machine on which several nodes have memory; a node may have CPUs only.
#include "kernel/cpus/online.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu/area.hpp"
#include "mm/physical/page_poison.hpp"
#include "mm/physical/page_zones.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "tests/kernel/support/drain.hpp"
#include "tests/kernel/support/page_hoard.hpp"

namespace percival {
namespace {

mm::NumaNode node_of(PhysAddr page)
{
    return mm::page_zones().containing(page)->node();
}

bool has_memory(mm::NumaNode node)
{
    bool has = false;
    mm::page_zones().for_each([&](mm::PageZone& zone) { has = has || zone.node() == node; });
    return has;
}

// Returns this CPU's node, or some node that has memory if the CPU's has none.
mm::NumaNode node_with_memory()
{
    mm::NumaNode node = mm::this_cpu_node();
    if (!has_memory(node))
        mm::page_zones().for_each([&](mm::PageZone& zone) { node = zone.node(); });
    return node;
}

// Returns whether several nodes have memory.
bool has_several_nodes()
{
    const mm::NumaNode here = node_with_memory();
    bool several = false;
    mm::page_zones().for_each([&](mm::PageZone& zone) { several = several || zone.node() != here; });
    return several;
}

// Expects that `page` is of this CPU's own node. A node without memory has no pages to give.
void expect_own(PhysAddr page)
{
    if (has_memory(mm::this_cpu_node()))
        EXPECT_EQ(node_of(page).number(), mm::this_cpu_node().number());
}

// Uses the banks of the device tree, because memory that was allocated before the zones existed is in no
// zone.
mm::NumaNode node_of_memory(PhysAddr memory)
{
    for (const MemoryBank& bank : this_machine().memory) {
        if (bank.range.contains(memory))
            return mm::NumaNode{bank.numa_node};
    }
    return mm::NumaNode{kMaxNumaNodes};
}

PhysAddr memory_behind(VirtAddr address)
{
    return mm::master_table().walk(address).pte.address();
}

PERCIVAL_TEST(numa, the_percpu_data_and_stack_of_a_cpu_are_on_its_own_node)
{
    if (!has_several_nodes())
        SKIP("this machine has only one NUMA node");
    for_each_online_cpu([](CpuId cpu) {
        const u32 node = this_machine().cpus[cpu.index()].numa_node;
        if (!has_memory(mm::NumaNode{node}))
            return;
        const VirtAddr unit = mm::local_to_global(mm::KernelLayout::kLocalPercpu.base, cpu);
        EXPECT_EQ(node_of_memory(memory_behind(unit)).number(), node);
        EXPECT_EQ(node_of_memory(memory_behind(cpu_stack(cpu).base)).number(), node);
    });
}

PERCIVAL_TEST(numa, every_cpu_gets_pages_of_its_own_node_and_frees_pages_of_any_node)
{
    if (!has_several_nodes())
        SKIP("this machine has only one NUMA node");
    drain_all_page_caches();
    const auto before = mm::memory_statistics();
    static constinit std::array<PhysAddr, kMaxCpus> pages{};
    run_everywhere([](CpuId cpu) {
        const auto page = mm::allocate_page();
        ASSERT(page.has_value());
        expect_own(*page);
        pages[cpu.index()] = *page;
    });
    // The boot CPU frees all of them. A page of another node returns to that node, and is not the next one
    // allocated here.
    for (PhysAddr& page : pages) {
        if (page == PhysAddr{})
            continue;
        mm::free_page(page);
        page = {};
        const auto next = mm::allocate_page();
        ASSERT(next.has_value());
        expect_own(*next);
        mm::free_page(*next);
    }
    EXPECT_EQ(mm::memory_statistics().used, before.used);
}

PERCIVAL_TEST(numa, an_exhausted_node_gets_pages_from_another_node)
{
    if (!has_several_nodes())
        SKIP("this machine has only one NUMA node");
    const auto before = mm::memory_statistics();
    if (mm::kPoisonFreedMemory && before.total > 2_GiB)
        SKIP("poisoning that much memory takes too long");
    const mm::NumaNode here = node_with_memory();
    {
        PageHoard hoard;
        while (hoard.take_near(here, mm::kMaxPageOrder) && node_of(hoard.last()) == here) {
        }
        ASSERT(hoard.pages() != 0);
        EXPECT(node_of(hoard.last()) != here);
        EXPECT(mm::memory_statistics().remote_pages > before.remote_pages);
    }
    drain_all_page_caches();
    const auto block = mm::allocate_pages_near(here, mm::kMaxPageOrder);
    ASSERT(block.has_value());
    EXPECT_EQ(node_of(*block).number(), here.number());
    mm::free_pages(*block, mm::kMaxPageOrder);
    EXPECT_EQ(mm::memory_statistics().used, before.used);
}

} // namespace
} // namespace percival
