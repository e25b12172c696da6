// SPDX-License-Identifier: BSD-2-Clause
// Tests how PCI hosts are read.
#include "tests/host/support/device_tree_blob.hpp"

#include <gtest/gtest.h>

#include <string>

namespace percival::testing {
namespace {

const std::string kHost = "/pcie@10000000";

TreeEditor virt()
{
    return TreeEditor{load_tree("qemu-virt-gicv3")};
}

// Expects that the host of the tree is left out with that note.
void expect_left_out(const TreeEditor& tree, std::string_view note)
{
    const Reading reading{tree.finish()};
    EXPECT_TRUE(reading.ok()) << reading.sentence;
    EXPECT_TRUE(reading.machine->pci_hosts.empty());
    EXPECT_TRUE(reading.has_note(note)) << reading.all_notes();
    EXPECT_EQ(reading.violation, "");
}

TEST(DeviceTreePci, the_host_of_virt_is_read)
{
    const Reading reading{virt().finish()};
    ASSERT_EQ(reading.machine->pci_hosts.size(), 1u) << reading.all_notes();
    const PciHostDescription& host = reading.machine->pci_hosts[0];
    EXPECT_EQ(host.configuration, (PhysRange{PhysAddr{0x40'1000'0000}, 256_MiB}));
    EXPECT_EQ(host.first_bus, 0);
    EXPECT_EQ(host.last_bus, 255);
    EXPECT_EQ(host.low.range, (PhysRange{PhysAddr{0x1000'0000}, Bytes{0x2eff'0000}}));
    EXPECT_EQ(host.low.bus_base, 0x1000'0000u);
    EXPECT_EQ(host.high.range, (PhysRange{PhysAddr{0x80'0000'0000}, 512_GiB}));
    EXPECT_EQ(host.high.bus_base, 0x80'0000'0000u);
    EXPECT_TRUE(host.is_coherent);
    EXPECT_FALSE(host.has_iommu);
}

TEST(DeviceTreePci, a_disabled_host_is_left_alone)
{
    TreeEditor tree = virt();
    tree.set_text(kHost, "status", "disabled");
    EXPECT_TRUE(Reading{tree.finish()}.machine->pci_hosts.empty());
}

TEST(DeviceTreePci, caches_and_translation_are_as_the_node_says)
{
    TreeEditor tree = virt();
    tree.remove_property(kHost, "dma-coherent").set_cells(kHost, "iommu-map", {0, 0x8000, 0, 0x10000});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.machine->pci_hosts.size(), 1u);
    EXPECT_FALSE(reading.machine->pci_hosts[0].is_coherent);
    EXPECT_TRUE(reading.machine->pci_hosts[0].has_iommu);
}

TEST(DeviceTreePci, a_window_may_have_other_addresses_on_the_bus)
{
    TreeEditor tree = virt();
    tree.set_cells(kHost, "ranges", {0x200'0000, 0, 0x8000'0000, 0, 0x1000'0000, 0, 0x100'0000});
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.machine->pci_hosts.size(), 1u) << reading.all_notes();
    const PciHostDescription& host = reading.machine->pci_hosts[0];
    EXPECT_EQ(host.low.range, (PhysRange{PhysAddr{0x1000'0000}, 16_MiB}));
    EXPECT_EQ(host.low.bus_base, 0x8000'0000u);
    EXPECT_TRUE(host.high.range.is_empty());
}

TEST(DeviceTreePci, windows_that_do_not_serve_every_device_are_not_taken)
{
    TreeEditor tree = virt();
    tree.set_cells(kHost, "ranges",
                   {0x100'0000,  0,    0,           0,    0x1000'0000, 0,    0x1'0000,      // ports
                    0x4200'0000, 0,    0x2000'0000, 0,    0x2000'0000, 0,    0x100'0000,    // prefetchable
                    0x4300'0000, 0x80, 0,           0x80, 0,           0x80, 0,             // the same
                    0x200'0000,  0,    0xf000'0000, 0,    0x1000'0000, 0,    0x2000'0000}); // beyond 32 bits
    const Reading reading{tree.finish()};
    ASSERT_EQ(reading.machine->pci_hosts.size(), 1u) << reading.all_notes();
    EXPECT_TRUE(reading.machine->pci_hosts[0].low.range.is_empty());
    EXPECT_TRUE(reading.machine->pci_hosts[0].high.range.is_empty());
}

TEST(DeviceTreePci, the_buses_are_those_of_the_node_or_all)
{
    TreeEditor some = virt();
    some.set_cells(kHost, "bus-range", {2, 5});
    const Reading of_some{some.finish()};
    ASSERT_EQ(of_some.machine->pci_hosts.size(), 1u);
    EXPECT_EQ(of_some.machine->pci_hosts[0].first_bus, 2);
    EXPECT_EQ(of_some.machine->pci_hosts[0].last_bus, 5);
    TreeEditor all = virt();
    all.remove_property(kHost, "bus-range");
    const Reading of_all{all.finish()};
    ASSERT_EQ(of_all.machine->pci_hosts.size(), 1u);
    EXPECT_EQ(of_all.machine->pci_hosts[0].last_bus, 255);
}

TEST(DeviceTreePci, a_host_with_wrong_properties_is_left_out_by_name)
{
    TreeEditor backward = virt();
    backward.set_cells(kHost, "bus-range", {5, 2});
    expect_left_out(backward, "bus-range: is not a first and a last bus");
    TreeEditor beyond = virt();
    beyond.set_cells(kHost, "bus-range", {0, 256});
    expect_left_out(beyond, "bus-range: is not a first and a last bus");
    TreeEditor small = virt();
    small.set_cells(kHost, "reg", {0x40, 0x1000'0000, 0, 0xf'f000});
    expect_left_out(small, "reg: is not the configuration space of a bus");
    TreeEditor odd = virt();
    odd.set_cells(kHost, "reg", {0x40, 0x1000'0800, 0, 0x1000'0000});
    expect_left_out(odd, "reg: is not the configuration space of a bus");
    TreeEditor cells = virt();
    cells.set_cells(kHost, "#address-cells", {2});
    expect_left_out(cells, "3 address cells and 2 size cells");
    TreeEditor none = virt();
    none.remove_property(kHost, "ranges");
    expect_left_out(none, "ranges");
    TreeEditor part = virt();
    part.set_cells(kHost, "ranges", {0x200'0000, 0, 0x1000'0000, 0, 0x1000'0000, 0});
    expect_left_out(part, "ranges: its length is not a whole number of entries");
}

TEST(DeviceTreePci, a_window_beyond_its_address_space_is_an_error)
{
    TreeEditor wraps = virt();
    wraps.set_cells(kHost, "ranges", {0x300'0000, ~u32{0}, 0xf000'0000, 0, 0x1000'0000, 0, 0x2000'0000});
    expect_left_out(wraps, "ranges: has a window beyond the bus's addresses");
    TreeEditor high = virt();
    high.set_cells(kHost, "ranges", {0x300'0000, 0x80, 0, 0x10'0000, 0, 0, 0x2000'0000});
    expect_left_out(high, "ranges: is beyond the 52-bit physical address space");
}

TEST(DeviceTreePci, one_host_too_many_is_left_alone)
{
    TreeEditor tree = virt();
    for (u32 i = 0; i < kMaxPciHosts; ++i) {
        const std::string name = "pcie@2000000" + std::to_string(i);
        tree.add_node("/", name)
            .set_text("/" + name, "compatible", "pci-host-ecam-generic")
            .set_cells("/" + name, "#address-cells", {3})
            .set_cells("/" + name, "#size-cells", {2})
            .set_cells("/" + name, "reg", {0x50 + i, 0, 0, 0x1000'0000})
            .set_cells("/" + name, "ranges", {0x200'0000, 0, 0x1000'0000, 0, 0x1000'0000, 0, 0x100'0000});
    }
    const Reading reading{tree.finish()};
    EXPECT_EQ(reading.machine->pci_hosts.size(), kMaxPciHosts);
    EXPECT_TRUE(reading.has_note("is one PCI host too many")) << reading.all_notes();
}

} // namespace
} // namespace percival::testing
