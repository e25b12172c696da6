// SPDX-License-Identifier: BSD-2-Clause
// Tests how watchdogs are read.
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <utility>

namespace percival::testing {
namespace {

// Adds the node /watchdog@ADDRESS with 4 KiB of registers.
std::string add_watchdog(TreeEditor& tree, u32 address, std::string_view compatible)
{
    std::array<char, 32> name{};
    static_cast<void>(std::snprintf(name.data(), name.size(), "watchdog@%x", address));
    const std::string path = std::string{"/"} + name.data();
    tree.add_node("/", name.data())
        .set_text(path, "compatible", compatible)
        .set_cells(path, "reg", {0, address, 0, 0x1000});
    return path;
}

TreeEditor virt()
{
    return TreeEditor{load_tree("qemu-virt-gicv3")};
}

TEST(DeviceTreeWatchdog, a_machine_without_a_known_one_has_none)
{
    EXPECT_TRUE(Reading{virt().finish()}.machine->watchdogs.empty());
    TreeEditor tree = virt();
    add_watchdog(tree, 0xa00'0000, "arm,sp805");
    EXPECT_TRUE(Reading{tree.finish()}.machine->watchdogs.empty());
}

TEST(DeviceTreeWatchdog, each_kind_is_recognized)
{
    using Named = std::pair<std::string_view, WatchdogKind>;
    for (const auto& [name, kind] :
         {Named{"brcm,bcm2835-pm-wdt", WatchdogKind::Bcm2835},
          Named{"brcm,bcm2835-pm", WatchdogKind::Bcm2835}, Named{"brcm,bcm2711-pm", WatchdogKind::Bcm2835},
          Named{"brcm,bcm2712-pm", WatchdogKind::Bcm2835}, Named{"fsl,imx21-wdt", WatchdogKind::Imx},
          Named{"cdns,wdt-r1p2", WatchdogKind::Cadence}, Named{"snps,dw-wdt", WatchdogKind::DesignWare}}) {
        TreeEditor tree = virt();
        add_watchdog(tree, 0xa00'0000, name);
        const Reading reading{tree.finish()};
        ASSERT_EQ(reading.machine->watchdogs.size(), 1u) << name;
        const WatchdogDescription& watchdog = reading.machine->watchdogs[0];
        EXPECT_EQ(watchdog.kind, kind) << name;
        EXPECT_EQ(watchdog.registers.base, PhysAddr{0xa00'0000});
        EXPECT_EQ(watchdog.registers.size, Bytes{0x1000});
        EXPECT_FALSE(watchdog.is_big_endian);
        EXPECT_FALSE(watchdog.resets_by_pin);
    }
}

TEST(DeviceTreeWatchdog, the_properties_of_an_imx_are_read)
{
    TreeEditor tree = virt();
    tree.set_bytes(add_watchdog(tree, 0xa00'0000, "fsl,imx21-wdt"), "big-endian", {});
    tree.set_bytes(add_watchdog(tree, 0xb00'0000, "fsl,imx21-wdt"), "fsl,ext-reset-output", {});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.machine->watchdogs.size(), 2u);
    for (const WatchdogDescription& watchdog : reading.machine->watchdogs) {
        EXPECT_EQ(watchdog.is_big_endian, watchdog.registers.base == PhysAddr{0xa00'0000});
        EXPECT_EQ(watchdog.resets_by_pin, watchdog.registers.base == PhysAddr{0xb00'0000});
    }
}

TEST(DeviceTreeWatchdog, a_disabled_one_is_left_alone)
{
    TreeEditor tree = virt();
    tree.set_text(add_watchdog(tree, 0xa00'0000, "fsl,imx21-wdt"), "status", "disabled");
    add_watchdog(tree, 0xb00'0000, "fsl,imx21-wdt");
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.machine->watchdogs.size(), 1u);
    EXPECT_EQ(reading.machine->watchdogs[0].registers.base, PhysAddr{0xb00'0000});
    EXPECT_EQ(reading.machine->notes.size(), 0u);
}

TEST(DeviceTreeWatchdog, what_is_wrong_with_one_is_noted_and_the_others_are_kept)
{
    TreeEditor tree = virt();
    add_watchdog(tree, 0xa00'0000, "snps,dw-wdt");
    tree.set_cells(add_watchdog(tree, 0xb00'0000, "snps,dw-wdt"), "reg", {0, 0xb00'0000, 0, 0xc});
    tree.set_cells(add_watchdog(tree, 0xc00'0000, "snps,dw-wdt"), "reg", {0, 0xc00'0002, 0, 0x1000});
    tree.remove_property(add_watchdog(tree, 0xd00'0000, "snps,dw-wdt"), "reg");
    const Reading reading{tree.finish()};
    EXPECT_TRUE(reading.ok());
    EXPECT_EQ(reading.machine->watchdogs.size(), 1u);
    for (const char* text :
         {"/watchdog@b000000: reg: is not the register range of this watchdog",
          "/watchdog@c000000: reg: is not the register range of this watchdog", "/watchdog@d000000: reg: "})
        EXPECT_TRUE(reading.has_note(text)) << reading.all_notes();
}

TEST(DeviceTreeWatchdog, more_than_the_kernel_keeps_are_noted)
{
    TreeEditor tree = virt();
    for (u32 at = 0; at <= kMaxWatchdogs; ++at)
        add_watchdog(tree, 0xa00'0000 + at * 0x1000, "snps,dw-wdt");
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.machine->watchdogs.size(), kMaxWatchdogs);
    EXPECT_TRUE(reading.has_note("is one watchdog too many, so it is left alone"));
}

TEST(DeviceTreeWatchdog, they_are_known_even_if_the_rest_of_the_tree_is_wrong)
{
    TreeEditor tree = virt();
    add_watchdog(tree, 0xa00'0000, "snps,dw-wdt");
    tree.remove_node("/cpus");
    const Reading reading{tree.finish()};
    EXPECT_FALSE(reading.ok());
    EXPECT_EQ(reading.machine->watchdogs.size(), 1u);
}

} // namespace
} // namespace percival::testing
