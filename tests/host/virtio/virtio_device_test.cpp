// SPDX-License-Identifier: BSD-2-Clause
// Tests how a virtio device is found, brought up, and asked, on a strict model.
#include "virtio/virtio_bed.hpp"

namespace percival {
namespace {

class VirtioDeviceTest : public VirtioBed {
protected:
    static constexpr u8 kNotifyCapability = 0x5c;
    static constexpr u8 kCommonCapability = 0x98;
    static constexpr u8 kDeviceCapability = 0x70;
};

TEST_F(VirtioDeviceTest, comes_up_in_the_order_of_the_specification)
{
    EXPECT_EQ(start(), "");
    EXPECT_EQ(model->accepted, kVirtioVersion1 | 3);
}

TEST_F(VirtioDeviceTest, accepts_only_what_is_offered_and_known)
{
    model->offered = kVirtioVersion1 | u64{1} << 40 | u64{1} << 29 | 2;
    EXPECT_EQ(start(), "");
    EXPECT_EQ(model->accepted, kVirtioVersion1 | 2);
}

TEST_F(VirtioDeviceTest, accepts_the_addresses_of_the_bus)
{
    model->offered |= kVirtioAccessPlatform;
    EXPECT_EQ(start(), "");
    EXPECT_NE(model->accepted & kVirtioAccessPlatform, 0u);
}

TEST_F(VirtioDeviceTest, of_before_version_1_is_refused)
{
    model->offered = 3;
    EXPECT_EQ(start(), "lacks a feature that the driver needs");
}

TEST_F(VirtioDeviceTest, that_does_not_accept_its_features_is_refused)
{
    model->refuses_features = true;
    EXPECT_EQ(start(), "does not accept the features");
}

TEST_F(VirtioDeviceTest, is_waited_for_until_it_is_reset)
{
    model->resets_late = 1000;
    EXPECT_EQ(start(), "");
}

TEST_F(VirtioDeviceTest, that_never_resets_is_refused)
{
    model->never_resets = true;
    EXPECT_EQ(start(), "does not reset");
}

TEST_F(VirtioDeviceTest, without_a_queue_is_refused)
{
    model->queues = 0;
    EXPECT_EQ(start(), "has too few queues");
    make(256 << 20);
    model->max_queue_size = 1;
    EXPECT_EQ(start(), "has too small a queue");
    make(256 << 20);
    model->queue_stays_enabled = true;
    EXPECT_EQ(start(), "uses a queue after its reset");
}

TEST_F(VirtioDeviceTest, is_notified_where_it_says_and_within_its_registers)
{
    model->notify_offset = 0x3ff; // times 4: the last place that has room
    model->blocks[0] = true;
    EXPECT_EQ(start(), "");
    EXPECT_EQ(model->requests, 1u);
    make(256 << 20);
    model->notify_offset = 0x400;
    EXPECT_EQ(start(), "wants to be notified where it has no registers");
    make(256 << 20);
    model->notify_offset = 1;
    model->put32(kNotifyCapability + 16, 1); // an odd address
    EXPECT_EQ(start(), "wants to be notified where it has no registers");
}

TEST_F(VirtioDeviceTest, without_one_of_its_structures_is_refused)
{
    model->put8(kNotifyCapability + 3, 99);
    EXPECT_EQ(find(), "has no place for notifications");
    make(256 << 20);
    model->put8(kNotifyCapability + 2, 0x10); // without the multiplier
    EXPECT_EQ(find(), "has no place for notifications");
    make(256 << 20);
    model->put8(kDeviceCapability + 4, 6); // no BAR
    EXPECT_EQ(find(), "has no configuration of its kind");
    make(256 << 20);
    model->put32(kCommonCapability + 12, 0x37);
    EXPECT_EQ(find(), "has no common configuration of virtio 1");
    make(256 << 20);
    model->put32(kCommonCapability + 8, 2);
    EXPECT_EQ(find(), "has no common configuration of virtio 1");
    make(256 << 20);
    model->put32(kDeviceCapability + 12, 0x37);
    EXPECT_EQ(start(), "has too short a configuration");
}

TEST_F(VirtioDeviceTest, whose_capabilities_are_a_loop_is_refused)
{
    model->put8(0x41, 0x98);
    EXPECT_EQ(find(), "has a list of capabilities that does not end");
}

TEST_F(VirtioDeviceTest, has_no_structure_beyond_its_bar)
{
    const PciBars bars{PhysRange{PhysAddr{0x1000}, 16_KiB}};
    EXPECT_EQ(range_of({0, 0x3000, 0x1000}, bars), (PhysRange{PhysAddr{0x4000}, 4_KiB}));
    EXPECT_TRUE(range_of({0, 0x3000, 0x1001}, bars).is_empty());
    EXPECT_TRUE(range_of({0, 0xffff'f000, 0x1000}, bars).is_empty());
    EXPECT_TRUE(range_of({1, 0, 0x1000}, bars).is_empty());
}

TEST_F(VirtioDeviceTest, a_configuration_that_changes_meanwhile_is_read_again)
{
    ASSERT_EQ(start(), "");
    u32 reads = 0;
    model->before_read = [&] {
        if (++reads == 14) // between the halves of the size
            model->request(u64{5} << 20 << 20);
    };
    u64 seen = 0;
    EXPECT_TRUE(registers.read_consistently([&] {
        for (u32 offset = 0; offset < 56; offset += 8)
            seen = registers.configuration64(offset == 8 ? 0 : offset);
    }));
    EXPECT_EQ(seen, u64{5} << 20 << 20);
}

TEST_F(VirtioDeviceTest, a_configuration_that_always_changes_is_given_up)
{
    ASSERT_EQ(start(), "");
    model->before_read = [&] { model->request(model->requested + VirtioMemModel::kBlock); };
    const auto configuration = device->configuration();
    ASSERT_FALSE(configuration);
    EXPECT_EQ(configuration.error(), "has a configuration that does not stand still");
}

class RequestQueueTest : public VirtioBed {
protected:
    RequestQueueTest()
    {
        EXPECT_EQ(start(), "");
        model->request(256 << 20);
    }
    static constexpr PhysRange kFirst{PhysAddr{VirtioMemModel::kRegion}, Bytes{VirtioMemModel::kBlock}};
    // Plugs a block. Returns the error, or an empty text.
    std::string_view plug()
    {
        const auto answer = device->plug(kFirst);
        return answer ? std::string_view{} : answer.error();
    }
};

TEST_F(RequestQueueTest, an_answer_is_waited_for)
{
    model->answers_after = u64{20} * 1'000'000'000;
    EXPECT_EQ(plug(), "");
    EXPECT_TRUE(model->is_plugged(VirtioMemModel::kRegion));
}

TEST_F(RequestQueueTest, an_answer_may_be_there_at_once)
{
    model->answers_after = 0;
    EXPECT_EQ(plug(), "");
}

TEST_F(RequestQueueTest, a_device_that_never_answers_is_left)
{
    model->never_answers = true;
    EXPECT_EQ(plug(), "does not answer");
}

TEST_F(RequestQueueTest, more_requests_than_an_index_counts_are_answered)
{
    model->answers_after = 0;
    for (u32 i = 0; i < 0x10002; ++i)
        ASSERT_TRUE(device->state(kFirst)) << i;
    EXPECT_EQ(model->requests, 0x10002u);
}

TEST_F(RequestQueueTest, an_answer_to_nothing_is_an_error)
{
    model->used_id = 1;
    EXPECT_EQ(plug(), "answers what was not asked");
}

TEST_F(RequestQueueTest, an_index_that_jumps_is_an_error)
{
    model->index_step = 2;
    EXPECT_EQ(plug(), "answers what was not asked");
}

TEST_F(RequestQueueTest, a_short_answer_is_an_error)
{
    model->used_length = 9;
    EXPECT_EQ(plug(), "answers with too few bytes");
}

} // namespace
} // namespace percival
