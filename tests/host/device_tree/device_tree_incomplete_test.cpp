// SPDX-License-Identifier: BSD-2-Clause
// Trees without a node or a property. The absence of something that the kernel needs is reported by name.
#include "tests/host/support/device_tree_blob.hpp"
#include "tests/host/support/tree_parameter.hpp"

#include <gtest/gtest.h>
#include <libfdt.h>

namespace percival::testing {
namespace {

// A property or a whole node to remove, and the beginning of the sentence that reports its absence.
struct Missing {
    const char* test_name;
    const char* tree;
    const char* path;
    const char* property; // nullptr: remove the node
    const char* sentence;
};

void PrintTo(const Missing& missing, std::ostream* out)
{
    *out << missing.tree << " without " << missing.path;
    if (missing.property != nullptr)
        *out << " " << missing.property;
}

class RequiredThing : public ::testing::TestWithParam<Missing> {};

TEST_P(RequiredThing, is_reported_by_name_when_missing)
{
    const Missing& missing = GetParam();
    TreeEditor tree{load_tree(missing.tree)};
    if (missing.property == nullptr)
        tree.remove_node(missing.path);
    else
        tree.remove_property(missing.path, missing.property);
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.sentence.find(std::string{"device tree: "} + missing.sentence), 0U) << reading.sentence;
}

constexpr const char* kVirt3 = "qemu-virt-gicv3";
constexpr const char* kVirt2 = "qemu-virt-gicv2";
constexpr const char* kPi = "raspberry-pi-4";
constexpr const char* kMinimal = "minimal";
constexpr const char* kPiGic = "/soc/interrupt-controller@40041000";
constexpr const char* kMinimalGic = "/interrupt-controller@8000000";

INSTANTIATE_TEST_SUITE_P(
    DeviceTree, RequiredThing,
    ::testing::Values(
        Missing{"memory_reg", kVirt3, "/memory@40000000", "reg", "/memory@40000000: reg: is missing"},
        Missing{"memory_type", kMinimal, "/memory", "device_type", "/: there is no memory"},
        Missing{"memory", kMinimal, "/memory", nullptr, "/: there is no memory"},
        Missing{"cpu", kMinimal, "/cpus/cpu", nullptr, "/cpus: there is no enabled CPU"},
        Missing{"cpus", kMinimal, "/cpus", nullptr, "/cpus: is missing"},
        Missing{"gicv3_reg", kVirt3, "/intc@8000000", "reg", "/intc@8000000: reg: is missing"},
        Missing{"gicv2_reg", kVirt2, "/intc@8000000", "reg", "/intc@8000000: reg: is missing"},
        Missing{"translated_gic_reg", kPi, kPiGic, "reg",
                "/soc/interrupt-controller@40041000: reg: is missing"},
        Missing{"gic_compatible", kMinimal, kMinimalGic, "compatible", "/: there is no interrupt controller"},
        Missing{"gic", kMinimal, kMinimalGic, nullptr, "/: there is no interrupt controller"},
        Missing{"bus_ranges", kPi, "/soc", "ranges", "/soc: ranges: is missing"},
        Missing{"timer_interrupts", kVirt3, "/timer", "interrupts", "/timer: interrupts: is missing"}),
    [](const auto& missing) { return std::string{missing.param.test_name}; });

class TreeWithoutOneThing : public ::testing::TestWithParam<std::string> {};

// Whatever is removed, the reader returns an error or a machine that satisfies its invariants.
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
            const Reading one_byte{
                TreeEditor{whole}.set_bytes(path.data(), name, std::array{std::byte{1}}).finish()};
            EXPECT_EQ(one_byte.violation, "") << path.data() << " " << name;
            ++taken;
        }
    }
    EXPECT_GT(taken, 10U);
}

INSTANTIATE_TEST_SUITE_P(DeviceTree, TreeWithoutOneThing,
                         ::testing::Values("minimal", "numa-server", "qemu-virt-gicv2", "qemu-virt-gicv3",
                                           "raspberry-pi-3", "raspberry-pi-4", "unusual"),
                         tree_test_name);

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
