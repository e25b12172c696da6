// SPDX-License-Identifier: BSD-2-Clause
// Trees from which something was taken away. What is needed is missed by name.
#include "support/device_tree_blob.hpp"

#include <gtest/gtest.h>
#include <libfdt.h>

namespace percival::testing {
namespace {

struct Missing {
    const char* tree;
    const char* path;
    const char* property;
};

void PrintTo(const Missing& missing, std::ostream* out)
{
    *out << missing.tree << ": " << missing.path << " " << missing.property;
}

class RequiredProperty : public ::testing::TestWithParam<Missing> {};

TEST_P(RequiredProperty, is_missed_by_name)
{
    const auto [tree, path, property] = GetParam();
    const Reading reading{TreeEditor{load_tree(tree)}.remove_property(path, property).finish()};
    EXPECT_EQ(reading.sentence.find(std::string{"device tree: "} + path + ": " + property + ": "), 0U)
        << reading.sentence;
}

INSTANTIATE_TEST_SUITE_P(DeviceTree, RequiredProperty,
                         ::testing::Values(Missing{"qemu-virt-gicv3", "/memory@40000000", "reg"},
                                           Missing{"qemu-virt-gicv3", "/cpus/cpu@0", "reg"},
                                           Missing{"qemu-virt-gicv3", "/psci", "method"},
                                           Missing{"qemu-virt-gicv3", "/intc@8000000", "reg"},
                                           Missing{"qemu-virt-gicv3", "/timer", "interrupts"},
                                           Missing{"qemu-virt-gicv2", "/intc@8000000", "reg"},
                                           Missing{"raspberry-pi-4", "/soc", "ranges"},
                                           Missing{"raspberry-pi-4", "/soc/interrupt-controller@40041000", "reg"}));

// Things without which there is no kind of thing at all: the sentence names the kind.
class RequiredThing : public ::testing::TestWithParam<std::pair<Missing, const char*>> {};

TEST_P(RequiredThing, is_missed_by_kind)
{
    const auto& [missing, sentence] = GetParam();
    TreeEditor tree{load_tree(missing.tree)};
    if (missing.property == nullptr)
        tree.remove_node(missing.path);
    else
        tree.remove_property(missing.path, missing.property);
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.sentence.find(sentence), 0U) << reading.sentence;
}

INSTANTIATE_TEST_SUITE_P(
    DeviceTree, RequiredThing,
    ::testing::Values(
        std::pair{Missing{"minimal", "/memory", nullptr}, "device tree: /: there is no memory"},
        std::pair{Missing{"minimal", "/memory", "device_type"}, "device tree: /: there is no memory"},
        std::pair{Missing{"minimal", "/cpus", nullptr}, "device tree: /cpus: is missing"},
        std::pair{Missing{"minimal", "/cpus/cpu", nullptr}, "device tree: /cpus: there is no enabled CPU"},
        std::pair{Missing{"minimal", "/interrupt-controller@8000000", nullptr},
                  "device tree: /: there is no interrupt controller"},
        std::pair{Missing{"minimal", "/interrupt-controller@8000000", "compatible"},
                  "device tree: /: there is no interrupt controller"},
        std::pair{Missing{"qemu-virt-gicv3", "/psci", nullptr}, "device tree: /psci: is missing"},
        std::pair{Missing{"qemu-virt-gicv3", "/psci", "compatible"}, "device tree: /psci: is missing"}));

class TreeWithoutOneThing : public ::testing::TestWithParam<std::string> {};

// Whatever is taken away, the reader answers, and keeps its promises when the answer is a machine.
TEST_P(TreeWithoutOneThing, is_read_or_refused)
{
    const Blob whole = load_tree(GetParam());
    std::size_t taken = 0;
    for (int node = 0; node >= 0; node = fdt_next_node(whole.data(), node, nullptr)) {
        std::array<char, 256> path{};
        ASSERT_EQ(fdt_get_path(whole.data(), node, path.data(), path.size()), 0);
        if (node != 0) {
            const Reading reading{TreeEditor{whole}.remove_node(path.data()).finish()};
            EXPECT_EQ(reading.violation, "") << path.data();
            ++taken;
        }
        int property = 0;
        fdt_for_each_property_offset(property, whole.data(), node)
        {
            const char* name = nullptr;
            ASSERT_NE(fdt_getprop_by_offset(whole.data(), property, &name, nullptr), nullptr);
            const Reading without{TreeEditor{whole}.remove_property(path.data(), name).finish()};
            EXPECT_EQ(without.violation, "") << path.data() << " " << name;
            const Reading emptied{TreeEditor{whole}.set_bytes(path.data(), name, {}).finish()};
            EXPECT_EQ(emptied.violation, "") << path.data() << " " << name;
            const Reading one_byte{TreeEditor{whole}.set_bytes(path.data(), name, std::array{std::byte{1}}).finish()};
            EXPECT_EQ(one_byte.violation, "") << path.data() << " " << name;
            ++taken;
        }
    }
    EXPECT_GT(taken, 10U);
}

INSTANTIATE_TEST_SUITE_P(DeviceTree, TreeWithoutOneThing,
                         ::testing::Values("minimal", "numa-server", "qemu-virt-gicv2", "qemu-virt-gicv3",
                                           "raspberry-pi-4"));

TEST(DeviceTreeNesting, is_bounded)
{
    const auto nested = [](int levels) {
        TreeEditor tree{load_tree("minimal")};
        std::string path;
        for (int level = 0; level < levels; ++level) {
            tree.add_node(path.empty() ? "/" : path, "n");
            path += "/n";
        }
        return Reading{tree.finish()}.sentence;
    };
    EXPECT_EQ(nested(32), "");
    EXPECT_EQ(nested(33), "device tree: n: is nested too deep");
    EXPECT_EQ(nested(200), "device tree: n: is nested too deep");
}

} // namespace
} // namespace percival::testing
