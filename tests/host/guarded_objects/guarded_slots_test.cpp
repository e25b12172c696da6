// SPDX-License-Identifier: BSD-2-Clause
// Tests the bookkeeping of guarded objects: addresses, the quarantine, wrong frees, and what a fault finds.
#include "mm/guarded_objects/guarded_slots.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace percival::testing {
namespace {

using mm::SlotState;
using mm::WrongFree;

class GuardedSlotsTest : public ::testing::Test {
protected:
    using Slots = mm::GuardedSlots<std::string>;
    static constexpr VirtAddr kBase{0xffff'8000'0000'0000};
    static constexpr Bytes kPage = 4_KiB;
    static constexpr u32 kSlots = 4;

    GuardedSlotsTest() { slots.start(records, kBase, kPage); }

    u32 take(Bytes size = Bytes{64}, const std::string& by = "allocator")
    {
        const auto slot = slots.take(size, by);
        EXPECT_TRUE(slot.has_value());
        return slot.value_or(0);
    }
    void free(u32 slot, const std::string& by = "freer")
    {
        const auto claimed = slots.claim(slots.object_of(slot), records[slot].object, by);
        ASSERT_TRUE(claimed.has_value());
        EXPECT_EQ(*claimed, slot);
        slots.retire(slot);
    }

    std::array<Slots::Slot, kSlots> records{};
    Slots slots{};
};

TEST_F(GuardedSlotsTest, AnObjectEndsWhereItsPageEndsAndAGuardPageFollows)
{
    const u32 first = take(Bytes{64});
    const u32 second = take(Bytes{2048});
    EXPECT_EQ(slots.object_of(first).raw(), (kBase + kPage - Bytes{64}).raw());
    EXPECT_EQ(slots.page_of(second).raw(), (slots.page_of(first) + kPage * 2).raw());
    EXPECT_EQ(slots.object_of(second).raw(), (slots.page_of(second) + Bytes{2048}).raw());
    EXPECT_EQ(Slots::addresses_for(kSlots, kPage), kPage * 2 * kSlots);
}

TEST_F(GuardedSlotsTest, NoSlotIsLiveTwiceAndWhenAllAreLiveThereIsNone)
{
    std::set<u32> live;
    for (u32 count = 0; count < kSlots; ++count)
        EXPECT_TRUE(live.insert(take()).second);
    EXPECT_FALSE(slots.take(Bytes{8}, "late").has_value());
    free(2);
    EXPECT_EQ(take(), 2u);
    EXPECT_FALSE(slots.take(Bytes{8}, "late").has_value());
}

TEST_F(GuardedSlotsTest, AFreedSlotIsUsedAgainOnlyAfterAllThatWereFreeBefore)
{
    const u32 first = take();
    const u32 second = take();
    free(second);
    free(first);
    std::array<u32, kSlots> order{};
    for (u32& slot : order)
        slot = take();
    EXPECT_EQ(order, (std::array<u32, kSlots>{2, 3, second, first}));
}

TEST_F(GuardedSlotsTest, ASlotWhosePageCouldNotBeMappedIsTheNextAgainAndKeepsTheQuarantine)
{
    const u32 freed = take();
    free(freed);
    const u32 without_page = take();
    slots.put_back(without_page);
    EXPECT_FALSE(slots.find(slots.page_of(without_page)).has_value());
    EXPECT_EQ(take(), without_page);
    EXPECT_EQ(take(), 2u);
    EXPECT_EQ(take(), 3u);
}

TEST_F(GuardedSlotsTest, ASlotThatIsPutBackIntoAnEmptyQueueIsItsFirstAndItsLast)
{
    for (u32 slot = 0; slot < kSlots; ++slot)
        EXPECT_EQ(take(), slot);
    slots.put_back(2); // not the slot that was taken last
    free(0);
    EXPECT_EQ(take(), 2u);
    EXPECT_EQ(take(), 0u);
    EXPECT_FALSE(slots.take(Bytes{8}, "late").has_value());
}

TEST_F(GuardedSlotsTest, ASecondFreeIsRefusedBeforeAndAfterTheSlotIsRetired)
{
    const u32 slot = take();
    const VirtAddr object = slots.object_of(slot);
    ASSERT_TRUE(slots.claim(object, Bytes{64}, "first").has_value());
    EXPECT_EQ(slots.claim(object, Bytes{64}, "second").error(), WrongFree::Freed);
    slots.retire(slot);
    EXPECT_EQ(slots.claim(object, Bytes{64}, "third").error(), WrongFree::Freed);
    EXPECT_EQ(records[slot].freed, "first");
}

TEST_F(GuardedSlotsTest, AFreeOfAnythingButTheStartOfALiveObjectOfTheSizeIsRefused)
{
    const u32 slot = take(Bytes{64});
    const VirtAddr object = slots.object_of(slot);
    const auto error_of = [this](VirtAddr at, Bytes size) { return slots.claim(at, size, "wrong").error(); };
    EXPECT_EQ(error_of(object + Bytes{8}, Bytes{64}), WrongFree::NoObject);
    EXPECT_EQ(error_of(object - Bytes{8}, Bytes{64}), WrongFree::NoObject);
    EXPECT_EQ(error_of(object, Bytes{96}), WrongFree::NoObject);
    EXPECT_EQ(error_of(slots.page_of(slot) + kPage, Bytes{64}), WrongFree::NoObject);
    EXPECT_EQ(error_of(slots.page_of(3), Bytes{64}), WrongFree::NoObject);
    EXPECT_EQ(error_of(kBase - Bytes{64}, Bytes{64}), WrongFree::NoObject);
    EXPECT_EQ(records[slot].state, SlotState::Live);
}

TEST_F(GuardedSlotsTest, AnAddressLeadsToItsObjectInThePageAndInTheGuardPage)
{
    const u32 slot = take(Bytes{64}, "allocator");
    const VirtAddr object = slots.object_of(slot);
    const auto in_object = slots.find(object + Bytes{63});
    ASSERT_TRUE(in_object.has_value());
    EXPECT_EQ(in_object->object.raw(), object.raw());
    EXPECT_EQ(in_object->slot->allocated, "allocator");
    EXPECT_FALSE(in_object->is_behind_object);
    const auto behind = slots.find(object + Bytes{64});
    ASSERT_TRUE(behind.has_value() && behind->is_behind_object);
    EXPECT_EQ(behind->object.raw(), object.raw());
    EXPECT_FALSE(slots.find(slots.page_of(slot) + kPage * 2).has_value()); // the next slot, unused
    EXPECT_FALSE(slots.find(kBase - Bytes{1}).has_value());
    EXPECT_FALSE(slots.find(kBase + Slots::addresses_for(kSlots, kPage)).has_value());
    free(slot, "freer");
    EXPECT_EQ(slots.find(object)->slot->freed, "freer");
}

TEST_F(GuardedSlotsTest, WithoutSlotsNoAddressIsOne)
{
    const Slots none{};
    EXPECT_FALSE(none.contains(VirtAddr{0}));
    EXPECT_FALSE(none.find(kBase).has_value());
    EXPECT_EQ(none.count(), 0u);
}

} // namespace
} // namespace percival::testing
