// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/release_address.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

// Memory from 0x4000'0000 to 0x5000'0000, with the image in it, and a reservation outside of it.
class ReleaseAddress : public ::testing::Test {
protected:
    void SetUp() override
    {
        ASSERT_TRUE(machine_->memory.push({{PhysAddr{0}, Bytes{0x1000}}}));
        ASSERT_TRUE(machine_->memory.push({{PhysAddr{0x4000'0000}, Bytes{0x1000'0000}}}));
        ASSERT_TRUE(machine_->reserved.push({{PhysAddr{0x9000'0000}, Bytes{0x1000}}, true}));
    }
    std::string_view problem(u64 address) const
    {
        return release_address_problem(*machine_, kImage, PhysAddr{address}).value_or("none");
    }

    static constexpr PhysRange kImage{PhysAddr{0x4020'0000}, Bytes{0x20'0000}};
    const std::unique_ptr<MachineDescription> machine_ = std::make_unique<MachineDescription>();
};

TEST_F(ReleaseAddress, may_be_in_memory_or_in_reserved_memory)
{
    for (const u64 address : {0xd8ull, 0x4000'0000ull, 0x401f'fff8ull, 0x4040'0000ull, 0x4fff'fff8ull,
                              0x9000'0000ull, 0x9000'0ff8ull})
        EXPECT_EQ(problem(address), "none") << std::hex << address;
}

TEST_F(ReleaseAddress, must_not_be_0_even_if_memory_begins_there)
{
    EXPECT_EQ(problem(0), "is 0: the loader has not filled it in");
}

TEST_F(ReleaseAddress, must_be_aligned)
{
    for (const u64 address : {0xd9ull, 0xdcull, 0x4000'0004ull})
        EXPECT_EQ(problem(address), "is not the address of a doubleword") << std::hex << address;
}

TEST_F(ReleaseAddress, must_not_be_outside_of_memory)
{
    for (const u64 address : {0x1000ull, 0x3fff'fff8ull, 0x5000'0000ull, 0x8fff'fff8ull, 0x9000'1000ull,
                              0xffff'ffff'ffff'fff8ull})
        EXPECT_EQ(problem(address), "is neither in memory nor in reserved memory") << std::hex << address;
}

TEST_F(ReleaseAddress, must_not_be_in_the_image)
{
    for (const u64 address : {0x4020'0000ull, 0x403f'fff8ull})
        EXPECT_EQ(problem(address), "is in the kernel's own image") << std::hex << address;
}

} // namespace
} // namespace percival
