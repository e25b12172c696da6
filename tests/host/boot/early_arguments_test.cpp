// SPDX-License-Identifier: BSD-2-Clause
// Tests how the boot arguments are found before the tree is read.
#include "boot/early_arguments.hpp"

#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace percival::boot {
namespace {

using percival::testing::GuardedBlob;
using percival::testing::load_tree;
using percival::testing::Reading;
using percival::testing::TreeEditor;

// Returns the arguments, which the reader of the tree must find, too.
std::string arguments_in(const TreeEditor& tree)
{
    const GuardedBlob blob{tree.finish()};
    const std::string_view found = boot_arguments_in(blob.bytes());
    EXPECT_EQ(Reading{blob.bytes()}.machine->boot_arguments, found);
    return std::string{found};
}

TEST(EarlyArguments, AreThoseThatTheReaderOfTheTreeFinds)
{
    for (const char* name : {"qemu-virt-gicv3", "raspberry-pi-4"}) {
        TreeEditor tree{load_tree(name)};
        tree.set_text("/chosen", "bootargs", "el=2 percpu=fixup");
        EXPECT_EQ(arguments_in(tree), "el=2 percpu=fixup") << name;
    }
}

TEST(EarlyArguments, AreNoneWhereOnlyAnotherNodeHasThem)
{
    TreeEditor tree{load_tree("qemu-virt-gicv3")};
    tree.remove_property("/chosen", "bootargs")
        .add_node("/chosen", "module")
        .set_text("/chosen/module", "bootargs", "el=2");
    tree.add_node("/cpus", "chosen").set_text("/cpus/chosen", "bootargs", "el=2");
    EXPECT_EQ(arguments_in(tree), "");
}

TEST(EarlyArguments, WithoutAnEndAreNone)
{
    const std::vector<std::byte> text{std::byte{'e'}, std::byte{'l'}};
    TreeEditor tree{load_tree("qemu-virt-gicv3")};
    tree.set_bytes("/chosen", "bootargs", text);
    EXPECT_EQ(arguments_in(tree), "");
}

TEST(EarlyArguments, OfADamagedTreeAreSomeTextOrNone)
{
    std::mt19937 random{1};
    TreeEditor tree{load_tree("qemu-virt-gicv3")};
    const auto whole = tree.set_text("/chosen", "bootargs", "el=2").finish();
    for (u32 round = 0; round < 2000; ++round) {
        std::vector<std::byte> damaged{whole.begin(), whole.end()};
        for (u32 n = 0; n < 4; ++n)
            damaged[random() % damaged.size()] = static_cast<std::byte>(random());
        damaged.resize(random() % 4 == 0 ? random() % damaged.size() : damaged.size());
        const GuardedBlob guarded{damaged};
        EXPECT_LE(boot_arguments_in(guarded.bytes()).size(), damaged.size());
    }
}

} // namespace
} // namespace percival::boot
