// SPDX-License-Identifier: BSD-2-Clause
#include "boot/flat_tree/stub_tree.hpp"

#include "boot/flat_tree/flat_tree_writer.hpp"
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

constexpr std::string_view kXen{"xen,xen-4.17\0xen,xen", 20};

// Returns a tree with these nodes below the root. A hypervisor is compatible with this.
Blob tree_of(std::initializer_list<std::string_view> nodes, std::string_view compatible = kXen)
{
    Blob room(4096);
    boot::FlatTreeWriter tree{room};
    tree.text("model", "stub");
    for (const std::string_view node : nodes) {
        tree.begin_node(node);
        tree.text("bootargs", "x");
        if (node == "hypervisor")
            tree.text("compatible", compatible);
        tree.begin_node("module"); // Xen's, for example
        tree.end_node();
        tree.end_node();
    }
    room.resize(tree.finish().value_or(0));
    return room;
}

bool is_stub(const Blob& blob)
{
    const GuardedBlob guarded{blob};
    return boot::is_stub_tree(guarded.bytes());
}

TEST(StubTree, has_nothing_but_what_a_loader_adds)
{
    EXPECT_TRUE(is_stub(tree_of({})));
    EXPECT_TRUE(is_stub(tree_of({"chosen"})));
    EXPECT_TRUE(is_stub(tree_of({"chosen", "hypervisor"})));
    EXPECT_FALSE(is_stub(tree_of({"chosen", "cpus"})));
    EXPECT_FALSE(is_stub(tree_of({"chosen@0"})));
    EXPECT_FALSE(is_stub(load_tree("qemu-virt-gicv3")));
}

TEST(StubTree, a_hypervisor_other_than_xen_belongs_to_a_machine)
{
    using namespace std::string_view_literals;
    EXPECT_TRUE(is_stub(tree_of({"hypervisor", "chosen"}, "xen,xen")));
    for (const std::string_view other : {"linux,kvm"sv, "xen,xen-4.17"sv, "xen"sv, ""sv}) {
        EXPECT_FALSE(is_stub(tree_of({"chosen", "hypervisor"}, other))) << other;
        EXPECT_FALSE(is_stub(tree_of({"hypervisor", "chosen"}, other))) << other;
    }
}

TEST(StubTree, damage_anywhere_is_read_within_the_tree)
{
    const Blob whole = tree_of({"chosen", "hypervisor"});
    constexpr std::size_t kStructure = 56;
    for (std::size_t at = kStructure; at < whole.size(); ++at) {
        for (const u8 value : std::to_array<u8>({0, 1, 3, 9, 0xff})) {
            Blob damaged = whole;
            damaged[at] = std::byte{value};
            static_cast<void>(is_stub(damaged));
        }
    }
    Blob damaged = whole;
    damaged[kStructure + 3] = std::byte{7};
    EXPECT_FALSE(is_stub(damaged));
}

} // namespace
} // namespace percival::testing
