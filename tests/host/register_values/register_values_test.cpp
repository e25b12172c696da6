// SPDX-License-Identifier: BSD-2-Clause
// Tests the descriptors and the registers of translation bit by bit, for each geometry of the kernel. The
// values are written by hand from the Arm ARM (D8.3.1 and D8.3.2, VMSAv8-64 descriptors; D24.2, TCR_EL1,
// MAIR_EL1, SCTLR_EL1, TTBR1_EL1): a test by the kernel's own decoder misses what encoder and decoder have
// wrong together, and an emulator ignores shareability and the kinds of memory.
//
// A leaf, from the top: UXN 54, PXN 53, contiguous 52, GP 50, nG 11, AF 10, SH 9:8, AP[2] (read-only) 7,
// AP[1] (EL0) 6, attribute index 4:2, page 1, valid 0.
#include "arch/mmu/root_register.hpp"
#include "arch/mmu/translation_registers.hpp"

#include <gtest/gtest.h>

namespace percival::arch {
namespace {

using mm::Granule, mm::Level, mm::kLastLevel;
using mm::kData, mm::kDeviceRegisters, mm::kReadOnlyData, mm::kText;

// Runs the rest of a test as on a CPU that translates 48 bits.
class Folded {
public:
    Folded() { mm::folded_to_48_bits = true; }
    ~Folded() { mm::folded_to_48_bits = false; }
    Folded(const Folded&) = delete;
    Folded& operator=(const Folded&) = delete;
};

TEST(DescriptorValues, pages_with_48_bit_addresses)
{
    using D = Descriptor<AddressFormat::Bits48>;
    constexpr PhysAddr kAt{0x8123'4567'8000};
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kText).raw(), 0x0044'8123'4567'8787u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kReadOnlyData).raw(), 0x0060'8123'4567'8787u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kData).raw(), 0x0060'8123'4567'8707u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kDeviceRegisters).raw(), 0x0060'8123'4567'8403u);
    EXPECT_EQ(D::leaf(PhysAddr{0xffff'ffff'f000}, kLastLevel, kData).raw(), 0x0060'ffff'ffff'f707u);
}

TEST(DescriptorValues, blocks_with_48_bit_addresses)
{
    using D = Descriptor<AddressFormat::Bits48>;
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4560'0000}, Level{2}, kText).raw(), 0x0044'8123'4560'0785u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4560'0000}, Level{2}, kReadOnlyData).raw(), 0x0060'8123'4560'0785u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4560'0000}, Level{2}, kData).raw(), 0x0060'8123'4560'0705u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4560'0000}, Level{2}, kDeviceRegisters).raw(), 0x0060'8123'4560'0401u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4000'0000}, Level{1}, kData).raw(), 0x0060'8123'4000'0705u);
}

TEST(DescriptorValues, leaves_of_a_contiguous_run)
{
    using D = Descriptor<AddressFormat::Bits48>;
    const D page = D::leaf(PhysAddr{0x8123'4567'0000}, kLastLevel, kData);
    EXPECT_EQ(page.with_contiguous(true).raw(), 0x0070'8123'4567'0707u);
    EXPECT_EQ(page.with_contiguous(true).with_contiguous(false).raw(), 0x0060'8123'4567'0707u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4567'0000}, kLastLevel, kText).with_contiguous(true).raw(),
              0x0054'8123'4567'0787u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4400'0000}, Level{2}, kData).with_contiguous(true).raw(),
              0x0070'8123'4400'0705u);
}

// No hierarchical permissions (bits 63:59), which would limit what the leaves grant.
TEST(DescriptorValues, tables)
{
    EXPECT_EQ(Descriptor<AddressFormat::Bits48>::table(PhysAddr{0x8123'4567'8000}).raw(),
              0x0000'8123'4567'8003u);
    EXPECT_EQ(Descriptor<AddressFormat::Lpa>::table(PhysAddr{0x9'8123'4567'0000}).raw(),
              0x0000'8123'4567'9003u);
    EXPECT_EQ(Descriptor<AddressFormat::Lpa2>::table(PhysAddr{0x9'8123'4567'8000}).raw(),
              0x0001'8123'4567'8203u);
}

// FEAT_LPA, 64 KiB: OA[51:48] in bits 15:12.
TEST(DescriptorValues, leaves_with_52_bit_addresses_and_64_kib)
{
    using D = Descriptor<AddressFormat::Lpa>;
    constexpr PhysAddr kAt{0xd'8123'4567'0000};
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kText).raw(), 0x0044'8123'4567'd787u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kReadOnlyData).raw(), 0x0060'8123'4567'd787u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kData).raw(), 0x0060'8123'4567'd707u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kDeviceRegisters).raw(), 0x0060'8123'4567'd403u);
    EXPECT_EQ(D::leaf(PhysAddr{0x2'8123'4000'0000}, Level{2}, kData).raw(), 0x0060'8123'4000'2705u);
    EXPECT_EQ(D::leaf(PhysAddr{0x4'8000'0000'0000}, Level{1}, kText).raw(), 0x0044'8000'0000'4785u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4567'0000}, kLastLevel, kData).raw(), 0x0060'8123'4567'0707u);
}

// FEAT_LPA2, 4 and 16 KiB: OA[49:48] in bits 49:48 and OA[51:50] in bits 9:8, where SH is otherwise.
TEST(DescriptorValues, leaves_with_52_bit_addresses_and_4_or_16_kib)
{
    using D = Descriptor<AddressFormat::Lpa2>;
    constexpr PhysAddr kAt{0x9'8123'4567'8000};
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kText).raw(), 0x0045'8123'4567'8687u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kReadOnlyData).raw(), 0x0061'8123'4567'8687u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kData).raw(), 0x0061'8123'4567'8607u);
    EXPECT_EQ(D::leaf(kAt, kLastLevel, kDeviceRegisters).raw(), 0x0061'8123'4567'8603u);
    EXPECT_EQ(D::leaf(PhysAddr{0x6'8123'4567'8000}, kLastLevel, kData).raw(), 0x0062'8123'4567'8507u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4567'8000}, kLastLevel, kData).raw(), 0x0060'8123'4567'8407u);
    EXPECT_EQ(D::leaf(PhysAddr{0x9'8123'4000'0000}, Level{1}, kData).raw(), 0x0061'8123'4000'0605u);
    EXPECT_EQ(D::leaf(PhysAddr{0x9'8100'0000'0000}, Level{0}, kText).raw(), 0x0045'8100'0000'0685u);
}

TEST(DescriptorValues, leaves_of_a_folded_build_have_48_bit_addresses)
{
    const Folded folded;
    using D = Descriptor<AddressFormat::Lpa2>;
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4567'8000}, kLastLevel, kText).raw(), 0x0044'8123'4567'8787u);
    EXPECT_EQ(D::leaf(PhysAddr{0x8123'4567'8000}, kLastLevel, kData).raw(), 0x0060'8123'4567'8707u);
    EXPECT_EQ(D::table(PhysAddr{0x8123'4567'8000}).raw(), 0x0000'8123'4567'8003u);
}

TEST(RegisterValues, mair)
{
    EXPECT_EQ(Mair::kernel().raw, 0x0000'0000'0000'ff04u); // 0: Device-nGnRE, 1: Normal write-back
}

TEST(RegisterValues, sctlr)
{
    EXPECT_EQ(Sctlr::mmu_off().raw, 0x30d0'0800u);
    EXPECT_EQ(Sctlr::kernel(false).raw, 0x30d8'180du);
    EXPECT_EQ(Sctlr::kernel(true).raw, 0xb0d8'180du);
}

// From the top: DS 59, IPS 34:32, TG1 31:30 (16, 4, 64 KiB: 1, 2, 3), SH1 29:28, ORGN1 27:26, IRGN1 25:24,
// T1SZ 21:16, TG0 15:14 (4, 64, 16 KiB: 0, 1, 2), SH0 13:12, ORGN0 11:10, IRGN0 9:8, T0SZ 5:0.
TEST(RegisterValues, tcr)
{
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 39>(5).raw), 0x0000'0005'b519'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 48>(5).raw), 0x0000'0005'b510'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 52>(6).raw), 0x0800'0006'b50c'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K16, 48, 47>(5).raw), 0x0000'0005'7511'b510u);
    EXPECT_EQ((Tcr::kernel<Granule::K16, 48, 48>(5).raw), 0x0000'0005'7510'b510u);
    EXPECT_EQ((Tcr::kernel<Granule::K16, 48, 52>(6).raw), 0x0800'0006'750c'b510u);
    EXPECT_EQ((Tcr::kernel<Granule::K64, 48, 42>(5).raw), 0x0000'0005'f516'7510u);
    EXPECT_EQ((Tcr::kernel<Granule::K64, 48, 48>(5).raw), 0x0000'0005'f510'7510u);
    EXPECT_EQ((Tcr::kernel<Granule::K64, 48, 52>(6).raw), 0x0000'0006'f50c'7510u);
}

TEST(RegisterValues, tcr_limits_output_addresses_to_those_of_the_cpu_and_of_the_descriptors)
{
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 48>(0).raw), 0x0000'0000'b510'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 48>(2).raw), 0x0000'0002'b510'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 48>(6).raw), 0x0000'0005'b510'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K64, 48, 48>(6).raw), 0x0000'0005'f510'7510u);
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 52>(7).raw), 0x0800'0006'b50c'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K64, 48, 52>(4).raw), 0x0000'0004'f50c'7510u);
}

TEST(RegisterValues, tcr_of_a_folded_build_is_that_of_48_bits)
{
    const Folded folded;
    EXPECT_EQ((Tcr::kernel<Granule::K4, 48, 52>(6).raw), 0x0000'0005'b510'3510u);
    EXPECT_EQ((Tcr::kernel<Granule::K16, 48, 52>(6).raw), 0x0000'0005'7510'b510u);
    EXPECT_EQ((Tcr::kernel<Granule::K64, 48, 52>(6).raw), 0x0000'0005'f510'7510u);
}

// The value that lets CPUs on one root share TLB entries has CnP, bit 0, and is the same root.
TEST(RegisterValues, sharing_entries)
{
    EXPECT_EQ(sharing_entries(root_register(PhysAddr{0x8123'4567'0000})).raw, 0x0000'8123'4567'0001u);
}

// ASID and CnP are 0. With 52-bit output addresses, bits 5:2 have bits 51:48 of the table's.
TEST(RegisterValues, root_register)
{
    constexpr PhysAddr kLow{0x8123'4567'0000}, kHigh{0xa'8123'4567'0000};
    EXPECT_EQ(root_register(kLow).raw, 0x0000'8123'4567'0000u);
    if (mm::KernelGeometry::kVaBits == 52) {
        EXPECT_EQ(root_register(kHigh).raw, 0x0000'8123'4567'0028u);
    }
    const Folded folded;
    EXPECT_EQ(root_register(kLow + Bytes{0x1e00}).raw, 0x0000'8123'4567'1e00u);
}

TEST(DescriptorValues, the_format_of_this_build)
{
    constexpr PhysAddr kAt{0x1'8123'4567'0000}, kLow{0x8123'4567'0000};
    if (mm::KernelGeometry::kVaBits != 52) {
        EXPECT_EQ(Pte::leaf(kLow, kLastLevel, kData).raw(), 0x0060'8123'4567'0707u);
    } else if (mm::kKernelGranule == Granule::K64) {
        EXPECT_EQ(Pte::leaf(kAt, kLastLevel, kData).raw(), 0x0060'8123'4567'1707u);
    } else {
        EXPECT_EQ(Pte::leaf(kAt, kLastLevel, kData).raw(), 0x0061'8123'4567'0407u);
    }
}

} // namespace
} // namespace percival::arch
