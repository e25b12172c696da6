// SPDX-License-Identifier: BSD-2-Clause
// Tests zones: descriptors are initialized as late as possible, holes are left out, counts are exact, and
// several threads can use a zone as CPUs do.
#include "mm/physical/page_zone.hpp"
#include "mm/physical/page_zones.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <latch>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace percival::mm {
namespace {

constexpr unsigned kShift = 12;
constexpr Bytes kPage{u64{1} << kShift};

PhysRange pages(u64 first, u64 count)
{
    return {PhysAddr{first << kShift}, kPage * count};
}

struct Machine {
    Machine(PhysRange bank, std::vector<EarlyMemory::FreeRange> free) : ranges{std::move(free)}
    {
        descriptors.resize(PageZone::descriptors_for(bank, kShift));
        // Garbage, so that a read of an uninitialized descriptor is noticed.
        std::memset(static_cast<void*>(descriptors.data()), 0x5a,
                    descriptors.size() * sizeof(PageDescriptor));
        zone.init(bank, NumaNode{0}, kShift, descriptors.data(), ranges);
    }
    void free(PhysAddr page, PageOrder order)
    {
        ASSERT_TRUE(zone.find(page)->change(PageState{PageUse::Allocated, order}, PageState{}));
        zone.free(page, order);
    }

    std::vector<EarlyMemory::FreeRange> ranges;
    std::vector<PageDescriptor> descriptors;
    PageZone zone;
};

TEST(PageZone, initializes_descriptors_only_when_the_free_lists_are_empty)
{
    const PhysRange bank = pages(0x40000, 64 * 1024);
    Machine machine{bank, {{bank, NumaNode{0}}}};
    EXPECT_EQ(machine.zone.known_pages(), 0u);
    EXPECT_EQ(machine.zone.free_pages(), 64u * 1024);
    EXPECT_EQ(machine.zone.find(bank.base), nullptr);
    ASSERT_TRUE(machine.zone.allocate(kOnePage));
    EXPECT_EQ(machine.zone.known_pages(), kMaxPageOrder.pages());
    EXPECT_EQ(machine.zone.free_pages(), 64u * 1024 - 1);
    ASSERT_TRUE(machine.zone.allocate(kMaxPageOrder));
    EXPECT_EQ(machine.zone.known_pages(), 2 * kMaxPageOrder.pages());
}

TEST(PageZone, hands_out_every_free_page_once_and_no_other_page)
{
    // A bank that starts and ends inside a block, has a block without free pages, and has holes.
    const PhysRange bank = pages(0x40123, 5000);
    const std::vector<PhysRange> free = {pages(0x40125, 3), pages(0x40130, 700), pages(0x40c01, 1500),
                                         pages(0x41400, 1), pages(0x414aa, 1)};
    std::vector<EarlyMemory::FreeRange> ranges{{pages(0x30000, 500), NumaNode{0}}}; // in another bank
    u64 expected = 0;
    for (const PhysRange& range : free) {
        ranges.push_back({range, NumaNode{0}});
        expected += range.size.count() >> kShift;
    }
    Machine machine{bank, ranges};
    EXPECT_EQ(machine.zone.managed_pages(), expected);
    std::set<u64> seen;
    while (const auto page = machine.zone.allocate(kOnePage)) {
        EXPECT_TRUE(seen.insert(page->raw()).second);
        EXPECT_TRUE(
            std::any_of(free.begin(), free.end(), [&](PhysRange range) { return range.contains(*page); }));
    }
    EXPECT_EQ(seen.size(), expected);
    EXPECT_EQ(machine.zone.free_pages(), 0u);
    for (const u64 page : seen)
        machine.free(PhysAddr{page}, kOnePage);
    EXPECT_EQ(machine.zone.free_pages(), expected);
}

TEST(PageZone, blocks_are_aligned_by_physical_address_wherever_the_bank_begins)
{
    const PhysRange bank = pages(0x40123, 9000);
    Machine machine{bank, {{bank, NumaNode{0}}}};
    for (unsigned order = 0; order <= kMaxPageOrder.number(); ++order) {
        const auto block = machine.zone.allocate(PageOrder{order});
        ASSERT_TRUE(block);
        EXPECT_TRUE(block->is_aligned(kPage * PageOrder{order}.pages()));
        EXPECT_TRUE(bank.contains(PhysRange{*block, kPage * PageOrder{order}.pages()}));
    }
}

TEST(PageZone, takes_back_only_its_own_pages_from_a_batch)
{
    const PhysRange bank = pages(0x40000, 2048);
    Machine machine{bank, {{bank, NumaNode{0}}}};
    std::vector<PageHandle> handles(100);
    ASSERT_EQ(machine.zone.allocate_cached(handles), 100u);
    EXPECT_TRUE(handles[7].descriptor->load().is(PageUse::Cached, kOnePage));
    EXPECT_EQ(machine.zone.free_pages(), 1948u);
    PageDescriptor foreign;
    handles.push_back({PhysAddr{0x1000}, &foreign});
    EXPECT_EQ(machine.zone.free_cached(handles), 100u);
    EXPECT_EQ(machine.zone.free_pages(), 2048u);
    EXPECT_TRUE(machine.zone.allocate(kMaxPageOrder) && machine.zone.allocate(kMaxPageOrder)); // all merged
}

TEST(PageZone, threads_share_it_without_losing_or_duplicating_a_page)
{
    const PhysRange bank = pages(0x40000, 16 * 1024);
    Machine machine{bank, {{bank, NumaNode{0}}}};
    std::vector<std::atomic<int>> owners(16 * 1024);
    std::latch all_are_there{3};
    const auto work = [&](u64 seed) {
        all_are_there.arrive_and_wait();
        std::mt19937_64 random{seed};
        std::vector<std::pair<PhysAddr, PageOrder>> mine;
        const auto claim = [&](PhysAddr block, PageOrder order, int by) {
            for (u32 page = 0; page < order.pages(); ++page)
                ASSERT_EQ(owners[((block - bank.base).count() >> kShift) + page].exchange(by),
                          by == 0 ? 1 : 0);
        };
        for (int step = 0; step < 60000; ++step) {
            if (random() % 2 == 0 || mine.empty()) {
                const PageOrder order{static_cast<unsigned>(random() % 5)};
                if (const auto block = machine.zone.allocate(order)) {
                    claim(*block, order, 1);
                    mine.emplace_back(*block, order);
                }
            } else {
                std::swap(mine[random() % mine.size()], mine.back());
                claim(mine.back().first, mine.back().second, 0);
                machine.free(mine.back().first, mine.back().second);
                mine.pop_back();
            }
        }
        for (const auto& [block, order] : mine) {
            claim(block, order, 0);
            machine.free(block, order);
        }
    };
    std::vector<std::thread> threads;
    for (u64 seed = 0; seed < 3; ++seed)
        threads.emplace_back(work, seed);
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(machine.zone.free_pages(), 16u * 1024);
}

TEST(PageZones, finds_the_zone_of_an_address_and_none_in_the_holes)
{
    static PageZones zones;
    const std::vector<PhysRange> banks = {pages(0x10, 4), pages(0x14, 4), pages(0x100000, 16),
                                          pages(0x900000, 1)};
    u32 node = 0;
    for (const PhysRange& bank : banks) {
        PageZone& zone = *zones.unused();
        zone.init(bank, NumaNode{node++ % 2}, kShift, nullptr, {});
        zones.add(zone);
    }
    for (u64 page : {0x0fu, 0x18u, 0xfffffu, 0x100010u, 0x900001u})
        EXPECT_EQ(zones.containing(PhysAddr{page << kShift}), nullptr) << page;
    for (const PhysRange& bank : banks) {
        EXPECT_EQ(zones.containing(bank.base)->bank(), bank);
        EXPECT_EQ(zones.containing(bank.end() - Bytes{1})->bank(), bank);
    }
    std::vector<u64> order;
    zones.visit_from(NumaNode{0}, [&](PageZone& zone) {
        order.push_back(zone.bank().base.raw() >> kShift);
        return false;
    });
    EXPECT_EQ(order, (std::vector<u64>{0x100000, 0x10, 0x900000, 0x14}));
}

TEST(PageZones, an_added_zone_is_asked_last_and_is_gone_after_its_removal)
{
    static PageZones zones;
    const auto add = [](PhysRange bank, ZoneOrigin origin) -> PageZone& {
        PageZone& zone = *zones.unused();
        zone.init(bank, NumaNode{0}, kShift, nullptr, {}, origin);
        zones.add(zone);
        return zone;
    };
    const auto order = [] {
        std::vector<u64> bases;
        zones.for_each([&](PageZone& zone) { bases.push_back(zone.bank().base.raw() >> kShift); });
        return bases;
    };
    add(pages(0x1000, 4), ZoneOrigin::Boot);
    PageZone& high = add(pages(0x9000, 4), ZoneOrigin::Added);
    PageZone& low = add(pages(0x500, 4), ZoneOrigin::Added);
    add(pages(0x2000, 4), ZoneOrigin::Boot);
    EXPECT_EQ(order(), (std::vector<u64>{0x2000, 0x1000, 0x9000, 0x500}));
    zones.remove(high);
    EXPECT_EQ(order(), (std::vector<u64>{0x2000, 0x1000, 0x500}));
    EXPECT_EQ(zones.containing(high.bank().base), nullptr);
    EXPECT_EQ(zones.containing(low.bank().base), &low);
    high.forget();
    EXPECT_EQ(zones.unused(), &high);
}

TEST(PageZone, a_closed_zone_hands_out_nothing_and_takes_back_everything)
{
    Machine machine{{pages(0, 1024)}, {{pages(0, 1024), {}}}};
    const auto block = machine.zone.allocate(PageOrder{3});
    ASSERT_TRUE(block);
    machine.zone.close();
    EXPECT_FALSE(machine.zone.allocate(kOnePage));
    std::array<PageHandle, 4> handles{};
    EXPECT_EQ(machine.zone.allocate_cached(handles), 0u);
    machine.free(*block, PageOrder{3});
    EXPECT_EQ(machine.zone.free_pages(), machine.zone.managed_pages());
    machine.zone.open();
    EXPECT_TRUE(machine.zone.allocate(kOnePage));
}

} // namespace
} // namespace percival::mm
