// SPDX-License-Identifier: BSD-2-Clause
// What a refusal finds in a damaged tree: the same as the reader finds in the whole tree, or nothing.
#include "kernel/device_tree/salvage.hpp"
#include "kernel/uart/uart_table.hpp"
#include "tests/host/support/device_tree_blob.hpp"
#include "tests/host/support/tree_parameter.hpp"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace percival::testing {
namespace {

std::unique_ptr<MachineDescription> salvaged(const Blob& blob)
{
    const GuardedBlob guarded{blob};
    auto machine = std::make_unique<MachineDescription>();
    salvage_device_tree(guarded.bytes(), *machine);
    machine->boot_arguments = {}; // the blob is gone
    return machine;
}

std::span<const std::byte> header_of(const Blob& blob)
{
    return std::span{blob}.first(kDeviceTreeHeaderBytes);
}

// A token of the structure by libfdt: what it is, and its offset in the blob.
struct Token {
    u32 tag;
    std::size_t at;
};

std::vector<Token> tokens_of(const Blob& blob)
{
    std::vector<Token> tokens;
    int next = 0;
    do {
        const int at = next;
        const u32 tag = fdt_next_tag(blob.data(), at, &next);
        tokens.push_back({tag, fdt_off_dt_struct(blob.data()) + static_cast<std::size_t>(at)});
    } while (tokens.back().tag != FDT_END);
    return tokens;
}

void set_word(Blob& blob, std::size_t at, u32 value)
{
    fdt32_st(blob.data() + at, value);
}

class SalvagedTree : public ::testing::TestWithParam<std::string> {
protected:
    SalvagedTree() { EXPECT_TRUE(reading_.ok()); }

    // Returns whether the node that begins there is the console or a node with children, such as its bus.
    bool says_where_the_console_is(std::size_t at) const
    {
        const int node = static_cast<int>(at - fdt_off_dt_struct(whole_.data()));
        const std::string_view name = fdt_get_name(whole_.data(), node, nullptr);
        return name.find("serial") == 0 || name.find("pl011") == 0 ||
               fdt_first_subnode(whole_.data(), node) >= 0;
    }

    const Blob whole_ = load_tree(GetParam());
    const Reading reading_{whole_};
};

TEST_P(SalvagedTree, has_the_console_and_the_psci_method_that_the_reader_finds)
{
    const auto machine = salvaged(whole_);
    EXPECT_EQ(machine->uart.kind, reading_.machine->uart.kind);
    EXPECT_EQ(machine->uart.registers.base, reading_.machine->uart.registers.base);
    EXPECT_EQ(machine->uart.registers.size, reading_.machine->uart.registers.size);
    EXPECT_EQ(machine->psci, reading_.machine->psci);
}

// A tree in which the names of nodes repeat their addresses, as they have to.
class DamagedWords : public SalvagedTree {};

// Each word of the tree in turn is damaged. In most trees that the reader refuses, the console is found. It
// is hardly ever found at another place: where words that belong together are gone, such as a bus.
TEST_P(DamagedWords, leave_the_console_in_most_trees_that_are_refused)
{
    unsigned refused = 0;
    unsigned found = 0;
    unsigned elsewhere = 0;
    for (std::size_t at = 0; at + 4 <= whole_.size(); at += 4) {
        for (const unsigned mask : {0x80U, 0x04U, 0xffU}) {
            Blob blob = whole_;
            blob[at + 3] ^= static_cast<std::byte>(mask);
            blob[at] ^= static_cast<std::byte>(mask == 0xff ? 0xff : 0);
            const Reading damaged{blob};
            if (damaged.ok())
                continue;
            ++refused;
            const UartDescription& uart = damaged.machine->uart;
            const bool is_there = uart.registers.base == reading_.machine->uart.registers.base;
            found += uart.kind != UartKind::None && is_there;
            elsewhere += uart.kind != UartKind::None && !is_there;
        }
    }
    EXPECT_GT(refused, 100U);
    EXPECT_GE(found * 100, refused * 85) << found << " of " << refused;
    EXPECT_LE(elsewhere * 100, refused * 5) << elsewhere << " of " << refused;
}

INSTANTIATE_TEST_SUITE_P(DeviceTree, DamagedWords,
                         ::testing::Values("qemu-virt-gicv2", "qemu-virt-gicv3", "raspberry-pi-4"),
                         tree_test_name);

TEST_P(SalvagedTree, with_any_word_of_its_header_damaged_is_still_taken_for_a_tree)
{
    EXPECT_EQ(size_of_damaged_device_tree(header_of(whole_)), Bytes{whole_.size()});
    for (std::size_t at = 0; at < 28; at += 4) {
        Blob blob = whole_;
        std::fill_n(blob.begin() + static_cast<std::ptrdiff_t>(at), 4, std::byte{0xff});
        const Bytes size = size_of_damaged_device_tree(header_of(blob));
        EXPECT_EQ(size, at == 4 ? kDeviceTreeLimit : Bytes{whole_.size()}) << at;
        if (at != 4)
            EXPECT_EQ(salvaged(blob)->uart.registers.base, reading_.machine->uart.registers.base) << at;
    }
}

TEST_P(SalvagedTree,
       with_any_8_bytes_of_its_header_changed_that_leave_half_of_the_magic_is_still_taken_for_a_tree)
{
    std::mt19937 random{5};
    const auto below = [&random](unsigned limit) { return static_cast<unsigned>(random()) % limit; };
    for (int turn = 0; turn < 3000; ++turn) {
        Blob blob = whole_;
        for (unsigned change = 0; change < 8; ++change) {
            const unsigned at = change < 2 ? below(4) : 4 + below(kDeviceTreeHeaderBytes - 4);
            blob[at] ^= static_cast<std::byte>(1 + below(255));
        }
        ASSERT_GT(size_of_damaged_device_tree(header_of(blob)), Bytes{0}) << turn;
        ASSERT_EQ(salvaged(blob)->uart.registers.base, reading_.machine->uart.registers.base) << turn;
    }
}

TEST_P(SalvagedTree, is_as_long_as_its_blocks_if_its_size_is_too_small)
{
    Blob blob = whole_;
    fdt_set_totalsize(blob.data(), 0x100);
    const u32 end = fdt_off_dt_strings(blob.data()) + fdt_size_dt_strings(blob.data());
    EXPECT_EQ(size_of_damaged_device_tree(header_of(blob)), Bytes{end});
    fdt_set_off_dt_strings(blob.data(), 0xf000'0000); // they are behind the structure
    EXPECT_EQ(size_of_damaged_device_tree(header_of(blob)), Bytes{end});
}

TEST_P(SalvagedTree, with_the_end_of_any_node_damaged_has_its_console)
{
    for (const Token& token : tokens_of(whole_)) {
        if (token.tag != FDT_END_NODE)
            continue;
        Blob blob = whole_;
        set_word(blob, token.at, 0x80'0002);
        ASSERT_EQ(salvaged(blob)->uart.registers.base, reading_.machine->uart.registers.base) << token.at;
    }
}

TEST_P(SalvagedTree, with_a_length_that_swallows_nodes_up_to_another_token_has_its_console)
{
    const std::vector<Token> tokens = tokens_of(whole_);
    const std::size_t last = tokens[tokens.size() - 2].at;
    bool is_of_console = false;
    for (const Token& token : tokens) {
        if (token.tag == FDT_BEGIN_NODE)
            is_of_console = says_where_the_console_is(token.at);
        if (token.tag != FDT_PROP || is_of_console)
            continue;
        Blob blob = whole_;
        set_word(blob, token.at + 4, static_cast<u32>(last - (token.at + 12)));
        ASSERT_EQ(salvaged(blob)->uart.registers.base, reading_.machine->uart.registers.base) << token.at;
    }
}

TEST_P(SalvagedTree, has_its_names_where_most_of_them_are)
{
    const u32 strings = fdt_off_dt_strings(whole_.data());
    for (u32 distance = 1; distance < fdt_size_dt_strings(whole_.data()); ++distance) {
        for (const u32 wrong : {strings - distance, strings + distance}) {
            Blob blob = whole_;
            fdt_set_off_dt_strings(blob.data(), wrong);
            ASSERT_EQ(salvaged(blob)->uart.registers.base, reading_.machine->uart.registers.base) << wrong;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(DeviceTree, SalvagedTree,
                         ::testing::Values("minimal", "qemu-virt-gicv2", "qemu-virt-gicv3", "raspberry-pi-4"),
                         tree_test_name);

TEST(SalvageOfTree, has_the_uart_of_the_stdout_path_and_no_disabled_one)
{
    const Blob tree = TreeEditor{load_tree("qemu-virt-gicv3")}
                          .add_node("/", "serial@a000000")
                          .set_text("/serial@a000000", "compatible", "arm,pl011")
                          .set_cells("/serial@a000000", "reg", {0, 0xa00'0000, 0, 0x1000})
                          .set_text("/chosen", "stdout-path", "/serial@a000000:115200n8")
                          .finish();
    EXPECT_EQ(salvaged(tree)->uart.registers.base, PhysAddr{0xa00'0000});
    const Blob disabled = TreeEditor{tree}.set_text("/serial@a000000", "status", "disabled").finish();
    EXPECT_EQ(salvaged(disabled)->uart.registers.base, PhysAddr{0x900'0000});
}

TEST(SalvageOfTree, takes_no_uart_that_another_device_is_wired_to_unless_stdout_path_names_it)
{
    const std::string uart = "/pl011@9000000";
    TreeEditor tree{load_tree("qemu-virt-gicv3")};
    tree.add_node(uart, "bluetooth").set_text(uart + "/bluetooth", "compatible", "brcm,bcm43438-bt");
    EXPECT_EQ(salvaged(tree.finish())->uart.kind, UartKind::Pl011);
    tree.remove_property("/chosen", "stdout-path");
    EXPECT_EQ(salvaged(tree.finish())->uart.kind, UartKind::None);
    tree.set_text(uart + "/bluetooth", "status", "okay").remove_property(uart + "/bluetooth", "compatible");
    EXPECT_EQ(salvaged(tree.finish())->uart.kind, UartKind::Pl011);
}

TEST(SalvageOfTree, has_no_console_if_the_stdout_path_names_a_device_that_is_not_driven)
{
    TreeEditor tree{load_tree("qemu-virt-gicv3")};
    tree.add_node("/", "serial@a000000")
        .set_text("/serial@a000000", "compatible", "example,uart")
        .set_text("/chosen", "stdout-path", "/serial@a000000");
    EXPECT_EQ(salvaged(tree.finish())->uart.kind, UartKind::None);
    tree.set_text("/serial@a000000", "status", "disabled");
    EXPECT_EQ(salvaged(tree.finish())->uart.registers.base, PhysAddr{0x900'0000});
}

TEST(SalvageOfTree, has_a_uart_of_any_kind_as_the_reader_finds_it)
{
    for (const UartName& name : uart_compatibles()) {
        TreeEditor tree{load_tree("qemu-virt-gicv3")};
        tree.set_text("/pl011@9000000", "compatible", name.name.text());
        const Blob blob = tree.finish();
        const auto machine = salvaged(blob);
        EXPECT_EQ(machine->uart.kind, name.kind) << name.name.text();
        EXPECT_EQ(machine->uart.layout, name.layout) << name.name.text();
        EXPECT_EQ(machine->uart.registers, Reading{blob}.machine->uart.registers);
    }
}

TEST(SalvageOfTree, has_the_layout_that_the_tree_says_and_no_impossible_one)
{
    const std::string uart = "/pl011@9000000";
    TreeEditor tree{load_tree("qemu-virt-gicv3")};
    tree.set_text(uart, "compatible", "snps,dw-apb-uart")
        .set_cells(uart, "reg-shift", {2})
        .set_cells(uart, "reg-io-width", {4})
        .set_cells(uart, "reg-offset", {0x100});
    EXPECT_EQ(salvaged(tree.finish())->uart.layout, (UartLayout{4, 2}));
    EXPECT_EQ(salvaged(tree.finish())->uart.registers, (PhysRange{PhysAddr{0x900'0100}, Bytes{0xf00}}));
    tree.set_cells(uart, "reg-offset", {0x1001});
    EXPECT_EQ(salvaged(tree.finish())->uart.kind, UartKind::None);
    tree.remove_property(uart, "reg-offset").set_cells(uart, "reg-io-width", {3});
    EXPECT_EQ(salvaged(tree.finish())->uart.kind, UartKind::None);
}

TEST(SalvageOfTree, has_the_layout_that_the_reader_finds_or_no_uart)
{
    const std::string uart = "/pl011@9000000";
    const auto expect_the_same = [](const TreeEditor& tree, bool is_found) {
        const Blob blob = tree.finish();
        const auto machine = salvaged(blob);
        const Reading reading{blob};
        EXPECT_EQ(machine->uart.kind != UartKind::None, is_found);
        EXPECT_EQ(machine->uart.kind, reading.machine->uart.kind);
        EXPECT_EQ(machine->uart.layout, reading.machine->uart.layout);
    };
    const auto with_cells = [&uart](u32 shift, u32 bytes) {
        TreeEditor tree{load_tree("qemu-virt-gicv3")};
        tree.set_text(uart, "compatible", "ns16550a");
        tree.set_cells(uart, "reg-shift", {shift}).set_cells(uart, "reg-io-width", {bytes});
        return tree;
    };
    TreeEditor tree = with_cells(2, 4);
    expect_the_same(tree, true);
    tree.set_bytes(uart, "big-endian", {});
    expect_the_same(tree, true);
    EXPECT_EQ(salvaged(tree.finish())->uart.layout, (UartLayout{4, 2, true}));
    tree.set_bytes(uart, "little-endian", {});
    expect_the_same(tree, true);
    EXPECT_EQ(salvaged(tree.finish())->uart.layout, (UartLayout{4, 2}));
    expect_the_same(with_cells(0x102, 4), false);
    expect_the_same(with_cells(2, 0x104), false);
    expect_the_same(with_cells(0, 4), false);
}

TEST(SalvageOfTree, has_the_uart_that_the_boot_arguments_name)
{
    TreeEditor tree{load_tree("qemu-virt-gicv3")};
    tree.set_text("/chosen", "bootargs", "earlycon=meson,0xc81004c0");
    EXPECT_EQ(salvaged(tree.finish())->uart.kind, UartKind::Meson);
    EXPECT_EQ(salvaged(tree.finish())->uart.registers.base, PhysAddr{0xc810'04c0});
}

TEST(SalvageOfTree, has_the_uart_at_the_address_in_its_name_if_the_cells_are_lost)
{
    Blob blob = load_tree("qemu-virt-gicv3");
    const std::string_view name = "#size-cells";
    const auto at = std::ranges::search(blob, std::as_bytes(std::span{name}));
    at.front() = std::byte{'x'};
    EXPECT_EQ(salvaged(blob)->uart.registers, (PhysRange{PhysAddr{0x900'0000}, Bytes{0x1000}}));
}

TEST(SalvageOfTree, leaves_both_conduits_to_ask_where_none_is_left)
{
    using enum PsciConduit;
    using Conduits = std::array<PsciConduit, 2>;
    EXPECT_EQ(psci_conduits_to_ask(None, false), (Conduits{Smc, Hvc}));
    EXPECT_EQ(psci_conduits_to_ask(Hvc, false), (Conduits{Hvc, None}));
    EXPECT_EQ(psci_conduits_to_ask(None, true), (Conduits{None, None}));
}

TEST(SalvageOfTree, of_anything_else_has_nothing)
{
    std::mt19937 random{3};
    for (int turn = 0; turn < 3000; ++turn) {
        Blob blob(random() % 512);
        std::ranges::generate(blob, [&random] { return static_cast<std::byte>(random()); });
        EXPECT_EQ(salvaged(blob)->uart.kind, UartKind::None);
        if (blob.size() >= kDeviceTreeHeaderBytes)
            EXPECT_EQ(size_of_damaged_device_tree(header_of(blob)), Bytes{0});
    }
}

} // namespace
} // namespace percival::testing
