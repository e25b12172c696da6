// SPDX-License-Identifier: BSD-2-Clause
// mm/vmalloc/vm_freed.cpp with weakly ordered memory: one CPU flushes what another one has unmapped.
#include "arch/mmu/descriptor.hpp"
#include "arch/mmu/tlb.hpp"
#include "memory_order/support/judge.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu/area.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vm_spares.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace testing {
namespace {

struct HandOver {
    static constexpr u32 kCpus = 2;
    static inline HandOver* current = nullptr;

    u64 descriptor{1};
    mm::VmArea area;
    bool is_flushed{false};
    bool is_freed{false};

    HandOver()
    {
        current = this;
        mm::cpus_with_root = kCpus;
        arch::on_tlbi_page = [](VirtAddr) {
            if (order_explorer().visible(&current->descriptor) != 0)
                order_explorer().fail("walkers still find an entry that is flushed");
            current->is_flushed = true;
        };
    }
    void run(u32 cpu)
    {
        if (cpu == 0) {
            area.range = {mm::KernelLayout::kVmalloc.base, Bytes{8192}};
            area.mapped = Bytes{4096};
            arch::store_descriptor(&descriptor, 0);
            mm::put_freed(area);
        } else {
            mm::flush_freed();
        }
    }
    std::string verdict() const { return ""; }

    void free()
    {
        if (!is_flushed)
            order_explorer().fail("an area is freed without a flush");
        is_freed = true;
    }
};

TEST(VmFreedOrder, AFlushCoversWhatWasClearedBeforeTheHandOver)
{
    EXPECT_EQ(judge<HandOver>({"mm/vmalloc/vm_freed.cpp", "mm/percpu/percpu.hpp"}), "");
}

// One CPU sets an area up, another one finds it.
struct BecomingUsed {
    static constexpr u32 kCpus = 2;
    mm::VmArea area;
    Bytes mapped{4096};

    void run(u32 cpu)
    {
        if (cpu == 0) {
            area.mapped = Bytes{4096};
            area.become(mm::VmState::Used);
        } else if (area.is(mm::VmState::Used)) {
            mapped = area.mapped;
        }
    }
    std::string verdict() const
    {
        return mapped == Bytes{4096} ? "" : "an area is found before it is set up";
    }
};

TEST(VmFreedOrder, AnAreaIsFoundOnlyWhenItIsSetUp)
{
    EXPECT_EQ(judge<BecomingUsed>({"mm/vmalloc/vm_area.hpp"}), "");
}

} // namespace
} // namespace testing

// What frees the area in the end.
void mm::PageBlocks::free_all()
{
    testing::HandOver::current->free();
}

bool mm::put_spare(VmArea&)
{
    return true;
}

void mm::VmRegion::free(VmArea&) {}

constinit mm::VmRegion mm::vm_region_detail::vmalloc_region{KernelLayout::kVmalloc,
                                                            KernelGeometry::kPageSize};

u64 mm::sum(const PerCpu<u64>&)
{
    return 0;
}

} // namespace percival
