// SPDX-License-Identifier: BSD-2-Clause
// Tests the requests and the configuration of a memory device.
#include "virtio/virtio_bed.hpp"

namespace percival {
namespace {

constexpr u64 kBlock = VirtioMemModel::kBlock;
constexpr u64 kRegion = VirtioMemModel::kRegion;

class MemoryDeviceTest : public VirtioBed {
protected:
    static PhysRange blocks(u64 first, u64 count)
    {
        return {PhysAddr{kRegion + first * kBlock}, Bytes{count * kBlock}};
    }
    // Starts a device with that change. Returns the error, or an empty text.
    std::string_view start_with(auto change)
    {
        make(256 << 20);
        change(*model);
        return start();
    }
};

using Answer = MemoryDevice::Answer;
using State = MemoryDevice::State;

TEST_F(MemoryDeviceTest, says_what_it_has)
{
    model->node = 3;
    model->usable = 128 << 20;
    model->requested = 64 << 20;
    ASSERT_EQ(start(), "");
    const auto configuration = device->configuration();
    ASSERT_TRUE(configuration);
    EXPECT_EQ(configuration->block_size, Bytes{kBlock});
    EXPECT_EQ(configuration->region, (PhysRange{PhysAddr{kRegion}, 256_MiB}));
    EXPECT_EQ(configuration->node, 3u);
    EXPECT_EQ(configuration->usable, 128_MiB);
    EXPECT_EQ(configuration->plugged, Bytes{0});
    EXPECT_EQ(configuration->requested, 64_MiB);
}

TEST_F(MemoryDeviceTest, has_a_node_only_if_it_says_so)
{
    model->offered &= ~u64{1};
    model->node = 3;
    ASSERT_EQ(start(), "");
    EXPECT_EQ(device->configuration()->node, std::nullopt);
}

TEST_F(MemoryDeviceTest, changes_the_state_of_blocks)
{
    ASSERT_EQ(start(), "");
    model->request(64 << 20);
    EXPECT_EQ(device->plug(blocks(2, 3)), Answer::Done);
    EXPECT_EQ(model->plugged(), 3 * kBlock);
    EXPECT_EQ(device->state(blocks(2, 3)), State::Plugged);
    EXPECT_EQ(device->state(blocks(1, 2)), State::Mixed);
    EXPECT_EQ(device->state(blocks(5, 1)), State::Unplugged);
    EXPECT_EQ(device->configuration()->plugged, Bytes{3 * kBlock});
    EXPECT_EQ(device->unplug(blocks(3, 1)), Answer::Done);
    EXPECT_EQ(device->state(blocks(2, 3)), State::Mixed);
    EXPECT_EQ(device->unplug_all(), Answer::Done);
    EXPECT_EQ(model->plugged(), 0u);
}

TEST_F(MemoryDeviceTest, refuses_and_is_busy)
{
    ASSERT_EQ(start(), "");
    EXPECT_EQ(device->plug(blocks(0, 1)), Answer::Refused) << "nothing is requested";
    model->answers = {2};
    EXPECT_EQ(device->plug(blocks(0, 1)), Answer::Busy);
    EXPECT_EQ(device->unplug(blocks(0, 1)), Answer::Error) << "it is not plugged";
    EXPECT_EQ(device->plug(blocks(128, 1)), Answer::Error) << "beyond the region";
}

TEST_F(MemoryDeviceTest, gives_answers_that_the_specification_knows)
{
    ASSERT_EQ(start(), "");
    model->answers = {4};
    const auto plugged = device->plug(blocks(0, 1));
    ASSERT_FALSE(plugged);
    EXPECT_EQ(plugged.error(), "answers what the specification does not know");
    model->answers = {1};
    const auto state = device->state(blocks(0, 1));
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error(), "does not tell the state of its blocks");
}

TEST_F(MemoryDeviceTest, gives_back_what_a_predecessor_has_plugged)
{
    model->blocks[7] = true;
    EXPECT_EQ(start(), "");
    EXPECT_EQ(model->plugged(), 0u);
    EXPECT_EQ(model->kinds, (std::vector<u16>{2}));
}

TEST_F(MemoryDeviceTest, that_keeps_the_memory_of_a_predecessor_is_refused)
{
    model->blocks[7] = true;
    model->answers = {2};
    EXPECT_EQ(start(), "keeps memory plugged from before");
}

TEST_F(MemoryDeviceTest, is_asked_nothing_at_its_start_otherwise)
{
    EXPECT_EQ(start(), "");
    EXPECT_EQ(model->requests, 0u);
}

TEST_F(MemoryDeviceTest, with_an_impossible_configuration_is_refused)
{
    EXPECT_EQ(start_with([](auto& m) {
                  m.block_size = 0;
                  m.blocks.clear();
              }),
              "has blocks of a size that cannot be");
    EXPECT_EQ(start_with([](auto& m) { m.block_size = 3 << 20; }), "has blocks of a size that cannot be");
    EXPECT_EQ(start_with([](auto& m) { m.region += 4096; }), "has a region of other than whole blocks");
    EXPECT_EQ(start_with([](auto& m) { m.region_size += 4096; }), "has a region of other than whole blocks");
    EXPECT_EQ(start_with([](auto& m) { m.usable -= 4096; }), "has a region of other than whole blocks");
    EXPECT_EQ(start_with([](auto& m) { m.requested = 4096; }), "has a region of other than whole blocks");
    EXPECT_EQ(start_with([](auto& m) {
                  m.region_size = 0;
                  m.usable = 0;
              }),
              "has a region beyond the physical address space");
    EXPECT_EQ(start_with([](auto& m) { m.region = kPhysicalLimit.raw(); }),
              "has a region beyond the physical address space");
    EXPECT_EQ(start_with([](auto& m) { m.region = kPhysicalLimit.raw() - (128 << 20); }),
              "has a region beyond the physical address space");
    EXPECT_EQ(start_with([](auto& m) { m.usable = 512 << 20; }), "has more memory than room for it");
    EXPECT_EQ(start_with([](auto& m) {
                  m.usable = 0;
                  m.requested = kBlock;
              }),
              "has more memory than room for it");
    EXPECT_EQ(start_with([](auto& m) {
                  m.usable = 0;
                  m.blocks[0] = true;
              }),
              "has more memory than room for it");
}

TEST_F(MemoryDeviceTest, that_changes_its_blocks_is_left)
{
    ASSERT_EQ(start(), "");
    model->block_size = 1 << 20;
    const auto configuration = device->configuration();
    ASSERT_FALSE(configuration);
    EXPECT_EQ(configuration.error(), "has blocks of a size that cannot be");
}

TEST_F(MemoryDeviceTest, that_gives_up_is_left)
{
    ASSERT_EQ(start(), "");
    model->needs_reset = true;
    const auto configuration = device->configuration();
    ASSERT_FALSE(configuration);
    EXPECT_EQ(configuration.error(), "has given up");
}

} // namespace
} // namespace percival
