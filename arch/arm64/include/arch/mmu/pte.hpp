// SPDX-License-Identifier: BSD-2-Clause
// The VMSAv8-64 descriptor (Arm ARM D8.3.1, D8.3.2), for EL1&0 stage 1. If an output address has more than 48
// bits, its upper bits are stored apart:
//
//   48 bits             OA[47:12] in place; SH in bits 9:8
//   52 bits, 64 KiB     OA[51:48] in bits 15:12, which are free with pages of 64 KiB (FEAT_LPA)
//   52 bits, 4/16 KiB   OA[49:48] in place, OA[51:50] in bits 9:8; shareability is in TCR_EL1 (FEAT_LPA2, DS)
//
// A 52-bit build for 4 or 16 KiB that runs without FEAT_LPA2 uses the 48-bit form
// (mm/address_space/fold.hpp).
//
// Invariants: every leaf has the access flag set, is neither accessible nor executable from EL0, and is
// global (nG = 0), because kernel mappings carry no ASID. All Normal mappings are Inner Shareable write-back,
// so that the linear, global and local alias of a page never disagree on attributes (Arm ARM B2.10,
// mismatched memory attributes).
//
// Pure functions of the value, any context.
#pragma once

#include "arch/cpu/sysreg.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/pte_format.hpp"

namespace percival::arch {

// Indices into MAIR_EL1 (arch/mmu/translation_registers.hpp).
enum class MemoryAttribute : u64 { DeviceNGnRE = 0, NormalWriteBack = 1 };

// The three layouts of an output address, described above.
enum class AddressFormat : u8 { Bits48, Lpa, Lpa2 };

template <AddressFormat Format>
class Descriptor {
public:
    using Pte = Descriptor;

    constexpr Descriptor() = default;
    constexpr explicit Descriptor(u64 raw) : raw_{raw} {}

    static constexpr Pte table(PhysAddr address) { return Pte{encode(address) | kValidBit | kTableBit}; }

    static constexpr Pte leaf(PhysAddr address, mm::Level level, mm::Attributes attributes)
    {
        u64 raw = encode(address) | kValidBit | (level.is_last() ? kTableBit : 0);
        raw = AccessFlag::in(raw, 1);
        raw = UserExecuteNever::in(raw, 1);
        if (attributes.memory == mm::MemoryType::Normal) {
            raw = AttributeIndex::in(raw, static_cast<u64>(MemoryAttribute::NormalWriteBack));
            if (!shareability_is_in_tcr())
                raw = ShareabilityField::in(raw, kInnerShareable);
        } else {
            raw = AttributeIndex::in(raw, static_cast<u64>(MemoryAttribute::DeviceNGnRE));
        }
        if (attributes.protection != mm::Protection::ReadWrite)
            raw = ReadOnly::in(raw, 1);
        if (attributes.protection == mm::Protection::ReadExecute)
            raw = Guarded::in(raw, 1);
        else
            raw = PrivilegedExecuteNever::in(raw, 1);
        return Pte{raw};
    }

    constexpr mm::PteKind kind(mm::Level level) const
    {
        if ((raw_ & kValidBit) == 0)
            return mm::PteKind::Invalid;
        if (level.is_last() || (raw_ & kTableBit) == 0)
            return mm::PteKind::Leaf;
        return mm::PteKind::Table;
    }

    constexpr PhysAddr address() const
    {
        u64 address = raw_ & kAddressMask;
        if constexpr (Format == AddressFormat::Lpa)
            address |= LpaHigh::of(raw_) << 48;
        if (shareability_is_in_tcr())
            address |= Lpa2High::of(raw_) << 50;
        return PhysAddr{address};
    }

    constexpr mm::Attributes attributes() const
    {
        const bool device = AttributeIndex::of(raw_) == static_cast<u64>(MemoryAttribute::DeviceNGnRE);
        const mm::Protection protection = ReadOnly::of(raw_) == 0 ? mm::Protection::ReadWrite
                                          : PrivilegedExecuteNever::of(raw_) == 0
                                              ? mm::Protection::ReadExecute
                                              : mm::Protection::ReadOnly;
        return {protection, device ? mm::MemoryType::Device : mm::MemoryType::Normal};
    }

    // Unprivileged code may execute what it may not read (Arm ARM D8.4.1.2.3), so each of the two bits that
    // forbid execution counts by itself, and either makes a page open to user mode.
    constexpr mm::Rights rights() const
    {
        const bool user_executes = UserExecuteNever::of(raw_) == 0;
        return {ReadOnly::of(raw_) == 0, PrivilegedExecuteNever::of(raw_) == 0 || user_executes,
                UserAccess::of(raw_) != 0 || user_executes};
    }

    // Read and change the contiguous hint of a leaf.
    constexpr bool is_contiguous() const { return Contiguous::of(raw_) != 0; }
    constexpr Pte with_contiguous(bool on) const { return Pte{Contiguous::in(raw_, on ? 1 : 0)}; }

    // Keep a leaf in an invalid descriptor, of which the MMU ignores all other bits, and return to it.
    constexpr Pte kept() const { return Pte{raw_ & ~kValidBit}; }
    constexpr Pte restored() const { return Pte{raw_ | kValidBit}; }
    constexpr bool keeps_leaf() const { return (raw_ & kValidBit) == 0 && AccessFlag::of(raw_) != 0; }

    constexpr u64 raw() const { return raw_; }
    friend constexpr bool operator==(Descriptor, Descriptor) = default;

private:
    static constexpr u64 kValidBit = 1;
    static constexpr u64 kTableBit = 2; // a table above the last level, a page on the last level
    static constexpr u64 kAddressMask = Format == AddressFormat::Lpa    ? 0x0000'ffff'ffff'0000
                                        : Format == AddressFormat::Lpa2 ? 0x0003'ffff'ffff'f000
                                                                        : 0x0000'ffff'ffff'f000;
    static constexpr u64 kInnerShareable = 3;

    using LpaHigh = Field<15, 12>; // OA[51:48]
    using Lpa2High = Field<9, 8>;  // OA[51:50]

    static constexpr bool shareability_is_in_tcr()
    {
        return Format == AddressFormat::Lpa2 && !mm::folded_to_48_bits;
    }

    static constexpr u64 encode(PhysAddr address)
    {
        u64 raw = address.raw() & kAddressMask;
        if constexpr (Format == AddressFormat::Lpa)
            raw = LpaHigh::in(raw, address.raw() >> 48);
        if (shareability_is_in_tcr())
            raw = Lpa2High::in(raw, address.raw() >> 50);
        return raw;
    }

    using AttributeIndex = Field<4, 2>;
    using UserAccess = Field<6>; // AP[1]
    using ReadOnly = Field<7>;   // AP[2]
    using ShareabilityField = Field<9, 8>;
    using AccessFlag = Field<10>;
    using Guarded = Field<50>; // GP: branch targets need a BTI landing pad; ignored without FEAT_BTI
    using Contiguous = Field<52>;
    using PrivilegedExecuteNever = Field<53>;
    using UserExecuteNever = Field<54>;

    u64 raw_{0};
};

using Pte = Descriptor<mm::KernelGeometry::kVaBits != 52        ? AddressFormat::Bits48
                       : mm::kKernelGranule == mm::Granule::K64 ? AddressFormat::Lpa
                                                                : AddressFormat::Lpa2>;

static_assert(mm::PteFormat<Pte>);
static_assert(Descriptor<AddressFormat::Lpa>::table(PhysAddr{0xf'0001'2345'0000}).address() ==
              PhysAddr{0xf'0001'2345'0000});
static_assert(Descriptor<AddressFormat::Bits48>{}.kind(mm::kLastLevel) == mm::PteKind::Invalid);
static_assert(Descriptor<AddressFormat::Bits48>::table(PhysAddr{0x4000'0000}).kind(mm::Level{1}) ==
              mm::PteKind::Table);
static_assert(Descriptor<AddressFormat::Bits48>::leaf(PhysAddr{0x4000'0000}, mm::Level{2}, mm::kText)
                  .kind(mm::Level{2}) == mm::PteKind::Leaf);
static_assert(Descriptor<AddressFormat::Bits48>::leaf(PhysAddr{0x4000'0000}, mm::Level{2}, mm::kText)
                  .attributes() == mm::kText);
static_assert(Descriptor<AddressFormat::Bits48>::leaf(PhysAddr{0x4000'0000}, mm::kLastLevel,
                                                      mm::kDeviceRegisters)
                  .attributes() == mm::kDeviceRegisters);

} // namespace percival::arch
