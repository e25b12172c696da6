// SPDX-License-Identifier: BSD-2-Clause
// Tests how the kernel's memory follows what a memory device requests.
#include "kernel/virtio_mem/memory_follower.hpp"

#include "mm/hot_memory/hot_memory.hpp"
#include "virtio/virtio_bed.hpp"

namespace percival {
namespace {

constexpr u64 kBlock = VirtioMemModel::kBlock;
constexpr u64 kRegion = VirtioMemModel::kRegion;
constexpr u64 kUnit = 8 << 20; // of 256 MiB in 32 units

class MemoryFollowerTest : public VirtioBed {
protected:
    // Starts the device and makes the follower. Returns the error, or an empty text.
    std::string_view begin()
    {
        if (const auto problem = start(); !problem.empty())
            return problem;
        const auto made = MemoryFollower::of(*device);
        if (!made)
            return made.error();
        follower = *made;
        return {};
    }
    // Requests a size and follows once.
    FollowedMemory follow(u64 size)
    {
        model->request(size);
        const auto now = follower.follow();
        EXPECT_TRUE(now) << now.error();
        if (!now)
            return {};
        EXPECT_EQ(now->requested, Bytes{size});
        EXPECT_EQ(now->added, follower.unit() * hot_memory.added.size());
        EXPECT_EQ(now->added + now->spare, Bytes{model->plugged()});
        return *now;
    }
    // Returns the memory that is there, in units, lowest first.
    std::vector<u64> units() const
    {
        std::vector<u64> result;
        for (const u64 address : hot_memory.added)
            result.push_back((address - kRegion) / kUnit);
        return result;
    }

    MemoryFollower follower;
};

TEST_F(MemoryFollowerTest, the_memory_grows_and_shrinks_to_what_is_requested)
{
    ASSERT_EQ(begin(), "");
    EXPECT_EQ(follow(0).added, Bytes{0});
    EXPECT_EQ(follow(64 << 20).added, 64_MiB);
    EXPECT_EQ(hot_memory.order.front(), kRegion);
    EXPECT_EQ(units(), (std::vector<u64>{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(follow(24 << 20).added, 24_MiB);
    EXPECT_EQ(units(), (std::vector<u64>{0, 1, 2}));
    EXPECT_EQ(follow(256 << 20).added, 256_MiB);
    EXPECT_EQ(follow(0).added, Bytes{0});
    EXPECT_EQ(model->plugged(), 0u);
}

TEST_F(MemoryFollowerTest, what_is_requested_is_rounded_down_to_units)
{
    ASSERT_EQ(begin(), "");
    EXPECT_EQ(follow(kUnit - kBlock).added, Bytes{0});
    EXPECT_EQ(follow(2 * kUnit + kBlock).added, Bytes{2 * kUnit});
}

TEST_F(MemoryFollowerTest, nothing_is_asked_when_the_request_is_met)
{
    ASSERT_EQ(begin(), "");
    follow(64 << 20);
    const u32 asked = model->requests;
    follow(64 << 20);
    EXPECT_EQ(model->requests, asked);
    EXPECT_EQ(hot_memory.removals, 0u);
}

TEST_F(MemoryFollowerTest, a_unit_is_as_small_as_the_number_of_units_and_the_kernel_allow)
{
    struct Expected {
        u64 region;
        u64 unit;
    };
    for (const auto& [region, unit] :
         {Expected{8 << 20, mm::kHotMemoryUnit.count()}, Expected{256 << 20, 8 << 20},
          Expected{(256 << 20) + kBlock, 16 << 20}, Expected{u64{1} << 30, 32 << 20}}) {
        make(region);
        ASSERT_EQ(begin(), "");
        EXPECT_EQ(follower.unit(), Bytes{unit}) << region;
        EXPECT_LE(follower.range().size, Bytes{region});
        EXPECT_GT(follower.range().size + Bytes{unit}, Bytes{region});
    }
}

TEST_F(MemoryFollowerTest, a_unit_is_not_smaller_than_a_block)
{
    make(256 << 20);
    model->block_size = 64 << 20;
    model->blocks.resize(4);
    ASSERT_EQ(begin(), "");
    EXPECT_EQ(follower.unit(), 64_MiB);
    EXPECT_EQ(follow(128 << 20).added, 128_MiB);
}

TEST_F(MemoryFollowerTest, units_are_aligned_in_a_region_that_is_not)
{
    make((64 << 20) + kBlock);
    model->region = kRegion - kBlock;
    ASSERT_EQ(begin(), "");
    EXPECT_EQ(follower.range(), (PhysRange{PhysAddr{kRegion}, 64_MiB}));
    EXPECT_EQ(follow(64 << 20).added, 64_MiB);
    EXPECT_EQ(*hot_memory.added.begin(), kRegion);
}

TEST_F(MemoryFollowerTest, a_region_without_a_whole_unit_is_refused)
{
    make(mm::kHotMemoryUnit.count() - kBlock);
    EXPECT_EQ(begin(), "has a region without a whole unit of the memory that the kernel can add");
    make(mm::kHotMemoryUnit.count());
    model->region = kRegion + kBlock; // not aligned, so no unit fits
    EXPECT_EQ(begin(), "has a region without a whole unit of the memory that the kernel can add");
}

TEST_F(MemoryFollowerTest, blocks_too_small_for_one_request_are_refused)
{
    make(0);
    model->block_size = 1;
    model->region_size = u64{1} << 30;
    EXPECT_EQ(begin(), "has blocks that are too small for a region of this size");
}

TEST_F(MemoryFollowerTest, the_node_is_the_devices_unless_the_kernel_has_no_such_node)
{
    model->node = 5;
    ASSERT_EQ(begin(), "");
    EXPECT_EQ(follow(kUnit).added, Bytes{kUnit}); // the bed expects the node
    make(256 << 20);
    model->node = kMaxNumaNodes;
    ASSERT_EQ(begin(), "");
    model->node = 0;
    EXPECT_EQ(follow(kUnit).added, Bytes{kUnit});
}

TEST_F(MemoryFollowerTest, nothing_is_plugged_beyond_the_usable_part)
{
    make((64 << 20) + kBlock);
    model->region = kRegion - kBlock; // the first unit begins one block later
    ASSERT_EQ(begin(), "");
    const u64 unit = follower.unit().count();
    model->usable = 2 * unit;
    const FollowedMemory now = follow(2 * unit);
    EXPECT_EQ(now.added, Bytes{unit});
    EXPECT_EQ(now.obstacle, "there is no room left");
    model->usable = 2 * unit + kBlock;
    EXPECT_EQ(follow(2 * unit).added, Bytes{2 * unit});
}

TEST_F(MemoryFollowerTest, units_in_use_stay_and_the_others_go)
{
    ASSERT_EQ(begin(), "");
    follow(8 * kUnit);
    hot_memory.in_use = [](u64 address) {
        return address == kRegion + 7 * kUnit ? u64{5} : address == kRegion + 2 * kUnit ? u64{1} : 0;
    };
    const FollowedMemory half = follow(4 * kUnit);
    EXPECT_EQ(half.added, Bytes{4 * kUnit}) << "as many others";
    EXPECT_EQ(half.pages_in_use, 5u);
    EXPECT_EQ(half.obstacle, "");
    EXPECT_EQ(units(), (std::vector<u64>{0, 1, 2, 7}));
    const u32 before = hot_memory.removals;
    const FollowedMemory none = follow(0);
    EXPECT_EQ(none.added, Bytes{2 * kUnit});
    EXPECT_EQ(none.pages_in_use, 6u);
    EXPECT_EQ(none.obstacle, "pages are in use");
    EXPECT_EQ(units(), (std::vector<u64>{2, 7}));
    EXPECT_EQ(hot_memory.removals - before, 4u) << "each is tried once";
    hot_memory.in_use = nullptr;
    EXPECT_EQ(follow(0).added, Bytes{0}) << "they go later";
}

TEST_F(MemoryFollowerTest, gaps_are_filled_from_below)
{
    ASSERT_EQ(begin(), "");
    follow(4 * kUnit);
    hot_memory.in_use = [](u64 address) { return u64{address == kRegion + 3 * kUnit}; };
    follow(kUnit);
    EXPECT_EQ(units(), (std::vector<u64>{3}));
    follow(3 * kUnit);
    EXPECT_EQ(units(), (std::vector<u64>{0, 1, 3}));
}

TEST_F(MemoryFollowerTest, memory_that_the_kernel_cannot_add_is_given_back)
{
    ASSERT_EQ(begin(), "");
    hot_memory.refuse_after = 2;
    const FollowedMemory now = follow(4 * kUnit);
    EXPECT_EQ(now.added, Bytes{2 * kUnit});
    EXPECT_EQ(now.spare, Bytes{0});
    EXPECT_EQ(now.obstacle, "is out of reach");
    EXPECT_EQ(model->plugged(), 2 * kUnit);
}

TEST_F(MemoryFollowerTest, memory_that_the_device_does_not_take_back_is_used_again)
{
    ASSERT_EQ(begin(), "");
    follow(2 * kUnit);
    model->answers = {2}; // busy
    const FollowedMemory now = follow(kUnit);
    EXPECT_EQ(now.added, Bytes{kUnit});
    EXPECT_EQ(now.spare, Bytes{kUnit});
    EXPECT_EQ(now.obstacle, "the device is busy");
    const u32 asked = model->requests;
    EXPECT_EQ(follow(2 * kUnit).added, Bytes{2 * kUnit});
    EXPECT_EQ(model->requests, asked) << "it is plugged already";
}

TEST_F(MemoryFollowerTest, memory_that_the_device_takes_back_late_goes)
{
    ASSERT_EQ(begin(), "");
    follow(2 * kUnit);
    model->answers = {1};
    EXPECT_EQ(follow(0).obstacle, "the device refuses to unplug");
    EXPECT_EQ(follow(0).obstacle, "");
    EXPECT_EQ(model->plugged(), 0u);
}

TEST_F(MemoryFollowerTest, a_device_that_does_not_plug_is_asked_again_later)
{
    ASSERT_EQ(begin(), "");
    model->answers = {2};
    const FollowedMemory busy = follow(kUnit);
    EXPECT_EQ(busy.obstacle, "the device is busy");
    EXPECT_EQ(busy.added, Bytes{0});
    model->answers = {1};
    EXPECT_EQ(follow(kUnit).obstacle, "the device refuses to plug");
    EXPECT_EQ(follow(kUnit).added, Bytes{kUnit});
}

TEST_F(MemoryFollowerTest, a_device_that_does_not_plug_what_it_says_ends_it)
{
    ASSERT_EQ(begin(), "");
    model->request(kUnit);
    model->answers = {0};
    const auto now = follower.follow();
    ASSERT_FALSE(now);
    EXPECT_EQ(now.error(), "has not plugged what it says");
    EXPECT_TRUE(hot_memory.added.empty());
}

TEST_F(MemoryFollowerTest, a_device_that_does_not_answer_ends_it)
{
    ASSERT_EQ(begin(), "");
    model->never_answers = true;
    model->request(kUnit);
    const auto now = follower.follow();
    ASSERT_FALSE(now);
    EXPECT_EQ(now.error(), "does not answer");
}

} // namespace
} // namespace percival
