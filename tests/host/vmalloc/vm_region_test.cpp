// SPDX-License-Identifier: BSD-2-Clause
// The address allocator of a region: where it places areas, which requests it refuses and how, and that it
// loses nothing.
#include "tests/host/support/vm_region_model.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <numeric>
#include <random>
#include <thread>

namespace percival::testing {
namespace {

using mm::VmArea;
using mm::VmError;
using mm::VmKind;
using mm::VmRegion;
using mm::VmState;

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
constexpr VirtAddr kBase{0xffff'8000'0000'0000};

class VmRegionTest : public ::testing::Test {
protected:
    static constexpr u64 kPages = 64;

    void TearDown() override { forget_notes(); }

    VmArea* allocate(u64 pages, u64 alignment = 1)
    {
        const auto area = region.allocate(kPage * pages, kPage * alignment);
        EXPECT_TRUE(area.has_value());
        return area ? *area : nullptr;
    }
    VmArea* use(u64 pages, VmKind kind)
    {
        VmArea* area = allocate(pages);
        area->kind = kind;
        area->become(VmState::Used);
        return area;
    }
    std::optional<VmError> error_of(Bytes size, Bytes alignment)
    {
        const auto area = region.allocate(size, alignment);
        return area ? std::nullopt : std::optional{area.error()};
    }
    static u64 page_of(const VmArea* area) { return (area->range.base - kBase).count() / kPage.count(); }

    VmRegion region{{kBase, kPage* kPages}, kPage};
};

TEST_F(VmRegionTest, AreasBeginAtTheLowestAddressAndEachHasAGuard)
{
    EXPECT_EQ(page_of(allocate(1)), 0u);
    EXPECT_EQ(page_of(allocate(2)), 2u);
    VmArea* const third = allocate(3);
    EXPECT_EQ(page_of(third), 5u);
    EXPECT_EQ(third->range.size, kPage * 4);
    EXPECT_TRUE(third->is(VmState::Reserved));
}

TEST_F(VmRegionTest, TheLowestHoleThatIsLargeEnoughIsTaken)
{
    VmArea* const small = allocate(1);
    allocate(1);
    VmArea* const large = allocate(5);
    allocate(1);
    region.free(*small);
    region.free(*large);
    EXPECT_EQ(page_of(allocate(3)), 4u); // the start of the second hole
    EXPECT_EQ(page_of(allocate(1)), 0u);
    EXPECT_EQ(page_of(allocate(1)), 8u); // the rest of the second hole
}

TEST_F(VmRegionTest, AddressesBesideAnAlignedAreaStayFree)
{
    allocate(1);
    EXPECT_EQ(page_of(allocate(4, 16)), 16u);
    EXPECT_EQ(page_of(allocate(13)), 2u);
    EXPECT_EQ(page_of(allocate(1)), 21u);
}

TEST_F(VmRegionTest, AHoleThatFitsOnlyBecauseOfItsBaseIsFound)
{
    std::array<VmArea*, kPages / 2> areas{};
    for (VmArea*& area : areas)
        area = allocate(1);
    for (const std::size_t index : {1u, 2u, 8u, 9u, 11u, 12u}) // holes of four pages, at 2, 16 and 22
        region.free(*areas[index]);
    EXPECT_EQ(page_of(allocate(3, 8)), 16u);
    EXPECT_EQ(error_of(kPage * 3, kPage * 8), VmError::NoAddresses);
    EXPECT_EQ(page_of(allocate(3)), 2u);
}

TEST_F(VmRegionTest, ImpossibleSizesAndAlignmentsAreRefusedWithTheirErrors)
{
    EXPECT_EQ(error_of(Bytes{0}, kPage), VmError::BadSize);
    EXPECT_EQ(error_of(kPage * kPages, kPage), VmError::BadSize); // no room for the guard
    EXPECT_EQ(error_of(Bytes{~u64{0}} - kPage + Bytes{1}, kPage), VmError::BadSize);
    EXPECT_EQ(error_of(kPage, Bytes{0}), VmError::BadAlignment);
    EXPECT_EQ(error_of(kPage, kPage * 3), VmError::BadAlignment);
    EXPECT_EQ(error_of(kPage, kPage * kPages * 2), VmError::BadAlignment);
    EXPECT_EQ(region.areas_in_use(), 0u);
    EXPECT_EQ(page_of(allocate(kPages - 1, kPages)), 0u); // the whole region, at the largest alignment
    EXPECT_EQ(error_of(kPage, kPage), VmError::NoAddresses);
}

TEST_F(VmRegionTest, AnExhaustedRegionBecomesOneHoleAgainInAnyOrder)
{
    std::array<std::size_t, kPages / 2> order{};
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937 random{1};
    for (int round = 0; round < 200; ++round) {
        std::array<VmArea*, kPages / 2> areas{};
        for (VmArea*& area : areas)
            area = allocate(1);
        EXPECT_EQ(error_of(kPage, kPage), VmError::NoAddresses);
        EXPECT_EQ(region.areas_in_use(), areas.size());
        for (const std::size_t index : order)
            region.free(*areas[index]);
        EXPECT_EQ(notes_in_use(), 1u);
        region.free(*allocate(kPages - 1));
        std::ranges::shuffle(order, random); // the first round freed in ascending order
        if (round == 0)
            std::ranges::sort(order, std::greater{});
    }
}

TEST_F(VmRegionTest, FailureToMakeANoteLeavesTheRegionUnchanged)
{
    // First the note of the whole region cannot be made, then the one for the rest of it.
    for (const u64 notes : {0u, 1u}) {
        fail_notes_after(notes);
        EXPECT_EQ(error_of(kPage, kPage), VmError::NoMemory);
        never_fail_notes();
        EXPECT_EQ(region.areas_in_use(), 0u);
        EXPECT_EQ(notes_in_use(), notes);
    }
    allocate(kPages - 1); // still one hole
}

TEST_F(VmRegionTest, IfOnlyOneOfTwoNotesCanBeMadeItIsFreed)
{
    // The holes on both sides of the area need a note each, and only one can be made.
    allocate(8);
    fail_notes_after(1);
    EXPECT_EQ(error_of(kPage, kPage * 16), VmError::NoMemory);
    never_fail_notes();
    EXPECT_EQ(notes_in_use(), 2u);
    EXPECT_EQ(page_of(allocate(1)), 9u);
}

TEST_F(VmRegionTest, AClaimNeedsBaseAndKindOfAUsedAreaAndSucceedsOnce)
{
    allocate(1);
    const VmArea* const area = use(3, VmKind::Vmap);
    EXPECT_EQ(region.claim(kBase, VmKind::Vmalloc), nullptr); // reserved
    const VirtAddr base = area->range.base;
    for (const VirtAddr wrong :
         {base - Bytes{1}, base + Bytes{1}, base + kPage, base + kPage * 3, base + kPage * 4, kBase - kPage,
          kBase + kPage * kPages, VirtAddr{0}, VirtAddr{~u64{0}}})
        EXPECT_EQ(region.claim(wrong, VmKind::Vmap), nullptr);
    EXPECT_EQ(region.claim(base, VmKind::Vmalloc), nullptr);
    EXPECT_TRUE(area->is(VmState::Used));
    EXPECT_EQ(region.claim(base, VmKind::Vmap), area);
    EXPECT_TRUE(area->is(VmState::Freed));
    EXPECT_EQ(region.claim(base, VmKind::Vmap), nullptr);
}

TEST_F(VmRegionTest, AnUnusedRegionHasNoAreasAndNoNotes)
{
    EXPECT_EQ(region.areas_in_use(), 0u);
    EXPECT_EQ(region.claim(kBase, VmKind::Vmalloc), nullptr);
    EXPECT_FALSE(region.use_of(kBase));
    EXPECT_FALSE(region.next_in_use(kBase));
    EXPECT_EQ(notes_in_use(), 0u);
}

TEST_F(VmRegionTest, AReusedNoteForgetsItsSlots)
{
    VmArea* const area = allocate(1);
    arch::Pte slot{};
    area->slots = &slot;
    region.free(*area);
    EXPECT_EQ(allocate(5)->slots, nullptr);
}

TEST_F(VmRegionTest, AListingShowsUsedAreasInOrder)
{
    use(1, VmKind::Vmalloc);
    allocate(2);
    VmArea* const last = use(3, VmKind::Stacks);
    last->mapped = kPage * 2;
    last->caller = VirtAddr{17};
    EXPECT_EQ(region.next_in_use(kBase)->range, (VirtRange{kBase, kPage * 2}));
    for (const Bytes from : {Bytes{1}, kPage, kPage * 2, kPage * 5}) {
        const auto info = region.next_in_use(kBase + from);
        ASSERT_TRUE(info.has_value());
        EXPECT_EQ(info->range, last->range);
        EXPECT_EQ(info->mapped, kPage * 2);
        EXPECT_EQ(info->caller, VirtAddr{17});
        EXPECT_EQ(info->kind, VmKind::Stacks);
    }
    EXPECT_FALSE(region.next_in_use(last->range.base + Bytes{1}));
    EXPECT_EQ(region.use_of(kBase + kPage), VmKind::Vmalloc); // its guard
    EXPECT_FALSE(region.use_of(kBase + kPage * 2));           // reserved
}

TEST(VmRegionRandomTest, RandomOperationsAgreeWithAList)
{
    struct Size {
        u64 pages;
        u64 steps;
    };
    for (const auto [pages, steps] : {Size{40, 100'000}, Size{300, 100'000}, Size{2'000, 50'000}}) {
        std::mt19937_64 random{pages};
        VmRegionModelRun<std::function<u64(u64)>> model{[&random](u64 below) { return random() % below; },
                                                        pages};
        for (u64 step = 0; step < steps; ++step) {
            ASSERT_EQ(model.step(), "") << pages << " pages, step " << step;
            if (step % (pages / 10) == 0)
                ASSERT_EQ(model.check(), "") << pages << " pages, step " << step;
        }
        ASSERT_EQ(model.finish(), "") << pages << " pages";
    }
}

// Each thread marks the pages of its area, and no other thread may have marked them.
TEST(VmRegionThreadsTest, NoAddressIsHandedOutTwiceAndOnlyOneOfTwoClaimsSucceeds)
{
    constexpr u64 kPages = 200, kThreads = 4, kTurns = 3'000;
    VmRegion region{{kBase, kPage * kPages}, kPage};
    std::array<std::atomic<u64>, kPages> owner{};
    std::atomic<u64> last{0}, claimed{0}, allocated{0};
    std::vector<std::thread> threads;
    for (u64 thread = 1; thread <= kThreads; ++thread)
        threads.emplace_back([&, thread] {
            std::mt19937_64 random{thread};
            const auto mark = [&](const VirtRange& range, u64 before, u64 now) {
                for (u64 at = 0; at < range.size.count() / kPage.count(); ++at)
                    EXPECT_EQ(owner[(range.base - kBase).count() / kPage.count() + at].exchange(now), before);
            };
            for (u64 turn = 0; turn < kTurns; ++turn) {
                const auto area =
                    region.allocate(kPage * (1 + random() % 5), kPage * (u64{1} << random() % 3));
                if (area) {
                    mark((*area)->range, 0, 1);
                    ++allocated;
                    (*area)->become(VmState::Used);
                    last = (*area)->range.base.raw();
                }
                // Claims this thread's own area or another thread's.
                const VirtAddr base{area && random() % 2 != 0 ? (*area)->range.base.raw() : last.load()};
                if (VmArea* mine = region.claim(base, VmKind{})) {
                    ++claimed;
                    mark(mine->range, 1, 0);
                    region.free(*mine);
                }
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    while (const auto left = region.next_in_use(kBase)) {
        ++claimed;
        region.free(*region.claim(left->range.base, VmKind{}));
    }
    EXPECT_EQ(claimed, allocated);
    EXPECT_EQ(region.areas_in_use(), 0u);
    EXPECT_EQ(notes_in_use(), 1u);
    forget_notes();
}

} // namespace
} // namespace percival::testing
