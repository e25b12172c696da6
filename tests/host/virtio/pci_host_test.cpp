// SPDX-License-Identifier: BSD-2-Clause
// Tests how a PCI bus is searched, and how BARs get their addresses.
#include "kernel/pci/host.hpp"

#include "kernel/pci/capabilities.hpp"
#include "virtio/pci_model.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace percival {
namespace {

constexpr u8 kBridge = 0x01;
constexpr u8 kMoreFunctions = 0x80;

class PciHostTest : public testing::Test {
protected:
    // The host, which has taken its bus over.
    PciHost host() const
    {
        const PciHost taken_over{pci_host(), registers};
        taken_over.take_over();
        return taken_over;
    }
    PciFunction function(u8 device) const { return {registers, {device, 0}}; }
    // Starts the function of that device; returns the error, or an empty text.
    std::string_view error_of(u8 device)
    {
        const auto bars = host().start(function(device));
        return bars ? std::string_view{} : bars.error();
    }

    const arch::Mmio registers{VirtAddr{kEcam}};
    PciBusModel bus;
    PciFunctionModel first{0x1234, 1};
    PciFunctionModel second{0x1234, 2};
};

TEST_F(PciHostTest, an_empty_bus_has_no_functions)
{
    u32 found = 0;
    host().for_each_function([&](const PciFunction&) { ++found; });
    EXPECT_EQ(found, 0u);
}

TEST_F(PciHostTest, functions_behind_the_first_are_looked_at_only_where_the_first_says_so)
{
    PciFunctionModel of_several{0x1234, 3};
    PciFunctionModel seventh{0x1234, 4};
    of_several.put8(0xe, kMoreFunctions);
    bus.add(0, 0, first);
    bus.add(0, 1, second); // an echo of the first
    bus.add(31, 0, of_several);
    bus.add(31, 7, seventh);
    std::vector<u16> found;
    host().for_each_function([&](const PciFunction& each) { found.push_back(each.device_id()); });
    EXPECT_EQ(found, (std::vector<u16>{1, 3, 4}));
}

TEST_F(PciHostTest, a_bus_that_is_only_looked_at_stays_as_it_is)
{
    bus.add(0, 0, first);
    u32 found = 0;
    PciHost{pci_host(), registers}.for_each_function([&](const PciFunction&) { ++found; });
    EXPECT_EQ(found, 1u);
    EXPECT_TRUE(first.answers());
    EXPECT_TRUE(first.may_access_memory());
}

TEST_F(PciHostTest, what_firmware_has_started_is_stopped_but_for_the_hosts_own_function)
{
    first.put16(0xa, 0x0600);
    bus.add(0, 0, first);
    bus.add(1, 0, second);
    static_cast<void>(host());
    EXPECT_TRUE(first.answers());
    EXPECT_FALSE(second.answers());
    EXPECT_FALSE(second.may_access_memory());
}

TEST_F(PciHostTest, each_bar_gets_addresses_of_its_own_that_are_aligned_to_its_size)
{
    first.add_bar(0, 0xffff'f000, 0);
    first.add_bar(1, 0xffff'fffc, 1); // ports
    first.add_wide_bar(4, 0x4000);
    second.add_bar(5, 0xfff0'0000, 8);
    bus.add(1, 0, first);
    bus.add(2, 0, second);
    PciHost both = host();
    const auto bars = both.start(function(1));
    ASSERT_TRUE(bars);
    EXPECT_EQ((*bars)[0], (PhysRange{PhysAddr{kLowWindow}, 4_KiB}));
    EXPECT_TRUE((*bars)[1].is_empty());
    EXPECT_EQ((*bars)[4], (PhysRange{PhysAddr{kLowWindow + 0x4000}, 16_KiB}));
    EXPECT_TRUE((*bars)[5].is_empty());
    EXPECT_EQ(first.bar(0), (std::pair<u64, u64>{kLowOnTheBus, 0x1000}));
    EXPECT_EQ(first.bar(4), (std::pair<u64, u64>{kLowOnTheBus + 0x4000, 0x4000}));
    EXPECT_TRUE(first.answers());
    EXPECT_TRUE(first.may_access_memory());
    EXPECT_EQ(first.command() & 1, 0) << "ports are not used";
    const auto more = both.start(function(2));
    ASSERT_TRUE(more);
    EXPECT_EQ((*more)[5], (PhysRange{PhysAddr{kLowWindow + 0x10'0000}, 1_MiB}));
}

TEST_F(PciHostTest, a_wide_bar_goes_to_the_high_window_when_the_low_one_is_full)
{
    first.add_wide_bar(0, u64{1} << 29);
    bus.add(1, 0, first);
    const auto bars = host().start(function(1));
    ASSERT_TRUE(bars);
    EXPECT_EQ((*bars)[0], (PhysRange{PhysAddr{kHighWindow}, 512_MiB}));
    EXPECT_EQ(first.bar(0).first, kHighWindow);
}

TEST_F(PciHostTest, a_bar_without_room_leaves_the_function_stopped)
{
    first.add_bar(0, 0xf000'0000, 0); // 256 MiB, and not for the high window
    second.add_wide_bar(0, u64{1} << 40);
    bus.add(1, 0, first);
    bus.add(2, 0, second);
    EXPECT_EQ(error_of(1), "has a BAR for which the windows have no room");
    EXPECT_EQ(error_of(2), "has a BAR for which the windows have no room");
    EXPECT_FALSE(first.answers());
    EXPECT_FALSE(second.answers());
}

TEST_F(PciHostTest, a_window_is_full_to_the_last_byte)
{
    first.add_bar(0, 0xff80'0000, 0); // 8 MiB
    first.add_bar(1, 0xff80'0000, 0);
    bus.add(1, 0, first);
    EXPECT_TRUE(host().start(function(1)));
    first.add_bar(2, 0xffff'fff0, 0);
    EXPECT_EQ(error_of(1), "has a BAR for which the windows have no room");
}

TEST_F(PciHostTest, a_bar_that_cannot_be_is_an_error)
{
    struct Wrong {
        u32 at;
        u32 mask;
        u32 low;
        std::string_view error;
    };
    for (const Wrong& wrong : {Wrong{0, 0xffff'f000, 2, "has a BAR of an unknown width"},
                               Wrong{0, 0xffff'f000, 6, "has a BAR of an unknown width"},
                               Wrong{5, 0xffff'f000, 4, "has half of a BAR of 64 bits"},
                               Wrong{0, 0, 8, "has a BAR without a size"},
                               Wrong{0, 0xfff0'f000, 0, "has a BAR whose size is no power of two"},
                               Wrong{0, 0x00ff'f000, 0, "has a BAR whose size is no power of two"}}) {
        PciFunctionModel model{0x1234, 5};
        model.add_bar(wrong.at, wrong.mask, wrong.low);
        bus.add(1, 0, model);
        EXPECT_EQ(error_of(1), wrong.error);
        EXPECT_FALSE(model.answers());
    }
}

TEST_F(PciHostTest, a_bridge_is_not_started)
{
    first.put8(0xe, kBridge);
    bus.add(1, 0, first);
    EXPECT_EQ(error_of(1), "is not a device");
    EXPECT_FALSE(first.answers());
}

class PciCapabilitiesTest : public PciHostTest {
protected:
    PciCapabilitiesTest()
    {
        bus.add(0, 0, first);
        first.put16(6, 0x10);
    }
    void put(u8 at, u8 id, u8 next)
    {
        first.put8(at, id);
        first.put8(at + 1u, next);
    }
    // Returns whether the list is sound; notes what is in it.
    bool walk()
    {
        ids.clear();
        return for_each_capability(function(0), [this](PciCapability each) { ids.push_back(each.id); });
    }

    std::vector<u8> ids;
};

TEST_F(PciCapabilitiesTest, are_visited_in_their_order)
{
    first.put8(0x34, 0x98);
    put(0x98, 9, 0x43); // the low bits do not count
    put(0x40, 5, 0xfc);
    put(0xfc, 7, 0);
    EXPECT_TRUE(walk());
    EXPECT_EQ(ids, (std::vector<u8>{9, 5, 7}));
}

TEST_F(PciCapabilitiesTest, are_none_without_the_bit_of_the_status)
{
    first.put16(6, 0);
    first.put8(0x34, 0x40);
    EXPECT_TRUE(walk());
    EXPECT_TRUE(ids.empty());
}

TEST_F(PciCapabilitiesTest, in_a_loop_end)
{
    first.put8(0x34, 0x40);
    put(0x40, 9, 0x80);
    put(0x80, 9, 0x40);
    EXPECT_FALSE(walk());
    EXPECT_LE(ids.size(), 48u);
    put(0x40, 9, 0x40);
    EXPECT_FALSE(walk());
}

TEST_F(PciCapabilitiesTest, in_all_places_are_no_loop)
{
    first.put8(0x34, 0x40);
    for (u32 at = 0x40; at < 0x100; at += 4)
        put(static_cast<u8>(at), 9, static_cast<u8>(at + 4));
    EXPECT_TRUE(walk());
    EXPECT_EQ(ids.size(), 48u);
}

TEST_F(PciCapabilitiesTest, in_the_header_end_the_list)
{
    first.put8(0x34, 0x40);
    put(0x40, 9, 0x10);
    EXPECT_FALSE(walk());
    EXPECT_EQ(ids, (std::vector<u8>{9}));
}

} // namespace
} // namespace percival
