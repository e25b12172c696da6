// SPDX-License-Identifier: BSD-2-Clause
// Tests the check of the header, which boot code reads before it maps the rest.
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace percival::testing {
namespace {

Blob header()
{
    Blob blob = load_tree("minimal");
    blob.resize(kDeviceTreeHeaderBytes);
    return blob;
}

Blob header_with(std::size_t word, u32 value)
{
    Blob blob = header();
    for (std::size_t byte = 0; byte < 4; ++byte)
        blob[word * 4 + byte] = static_cast<std::byte>(value >> (24 - 8 * byte));
    return blob;
}

std::string_view field(const Blob& blob)
{
    const GuardedBlob guarded{blob};
    const auto size = device_tree_size(guarded.bytes());
    return size ? "none" : size.error().property();
}

TEST(DeviceTreeHeader, gives_the_size_of_the_blob)
{
    const GuardedBlob guarded{header()};
    const auto size = device_tree_size(guarded.bytes());
    ASSERT_TRUE(size);
    EXPECT_EQ(size->count(), load_tree("minimal").size());
}

TEST(DeviceTreeHeader, cut_short_at_any_length_is_an_error)
{
    for (std::size_t length = 0; length < kDeviceTreeHeaderBytes; ++length) {
        Blob blob = header();
        blob.resize(length);
        const GuardedBlob guarded{blob};
        EXPECT_FALSE(device_tree_size(guarded.bytes())) << length;
    }
}

TEST(DeviceTreeHeader, says_which_field_is_wrong)
{
    EXPECT_EQ(field(header_with(0, 0xedfe'0dd0)), "magic");
    EXPECT_EQ(field(header_with(0, 0)), "magic");
    EXPECT_EQ(field(header_with(1, 39)), "totalsize");
    EXPECT_EQ(field(header_with(1, 2 * 1024 * 1024 + 1)), "totalsize");
    EXPECT_EQ(field(header_with(1, 2 * 1024 * 1024)), "none");
    EXPECT_EQ(field(header_with(2, 0x3a)), "off_dt_struct");
    EXPECT_EQ(field(header_with(4, 0x2c)), "off_mem_rsvmap");
    EXPECT_EQ(field(header_with(5, 16)), "version");
    EXPECT_EQ(field(header_with(6, 18)), "version");
    EXPECT_EQ(field(header_with(5, 18)), "none") << "a later version that is compatible with this one";
}

TEST(DeviceTreeHeader, with_a_block_that_reaches_beyond_the_blob_is_an_error)
{
    const u32 size = static_cast<u32>(load_tree("minimal").size());
    EXPECT_EQ(field(header_with(8, size)), "size_dt_strings");
    EXPECT_EQ(field(header_with(9, size)), "size_dt_struct");
    EXPECT_EQ(field(header_with(2, 0xffff'fffc)), "size_dt_struct");
    EXPECT_EQ(field(header_with(1, kDeviceTreeHeaderBytes)), "size_dt_struct");
}

TEST(DeviceTreeHeader, a_blob_that_is_not_aligned_is_an_error)
{
    const Blob tree = load_tree("minimal");
    Blob shifted(tree.size() + 4);
    std::ranges::copy(tree, shifted.begin() + 4);
    MachineDescription machine;
    const auto done = read_device_tree(std::span<const std::byte>{shifted}.subspan(4), machine);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().problem(), "does not start at a multiple of 8");
}

} // namespace
} // namespace percival::testing
