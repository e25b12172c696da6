// SPDX-License-Identifier: BSD-2-Clause
// mm/physical/page_zone.cpp with weakly ordered memory.
#include "memory_order/support/judge.hpp"
#include "mm/physical/page_zone.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace percival::testing {
namespace {

// One CPU allocates the zone's first page, another one looks a page up.
struct Learning {
    static constexpr u32 kCpus = 2;
    static constexpr PhysRange kBank{PhysAddr{0x4000'0000}, Bytes{4 << 20}};
    static constexpr u32 kPage = 7;
    static constexpr u64 kGarbage = ~u64{0};

    std::array<mm::PageDescriptor, mm::kMaxPageOrder.pages()> descriptors;
    std::array<mm::EarlyMemory::FreeRange, 1> free{{{kBank, {}}}};
    mm::PageZone zone;
    u64 seen{0};

    Learning()
    {
        descriptors[kPage].store(mm::PageState::from_raw(kGarbage));
        zone.init(kBank, {}, 12, descriptors.data(), free);
    }
    void run(u32 cpu)
    {
        if (cpu == 0)
            static_cast<void>(zone.allocate(mm::kOnePage));
        else if (const mm::PageDescriptor* found = zone.find(kBank.base + Bytes{kPage << 12}))
            seen = found->load().raw();
    }
    std::string verdict() const
    {
        return seen == kGarbage ? "a descriptor is found before it is initialized" : "";
    }
};

TEST(PageZoneOrder, ADescriptorIsFoundOnlyWhenItIsInitialized)
{
    EXPECT_EQ(judge<Learning>({"mm/physical/page_zone.cpp", "mm/physical/page_zone.hpp"}), "");
}

} // namespace
} // namespace percival::testing
