// SPDX-License-Identifier: BSD-2-Clause
// The VMSAv8-64 descriptor with 48-bit output addresses (Arm ARM D8.3.1, D8.3.2), for EL1&0 stage 1.
//
// INV-pte-1: every leaf has the access flag set, is not accessible from EL0, never executable from EL0, and is global
//            (nG = 0): kernel mappings carry no ASID.
// INV-pte-2: all Normal mappings are Inner Shareable write-back, so that the linear, global and local alias of a page never
//            disagree on attributes (Arm ARM B2.10, mismatched memory attributes).
#pragma once

#include "arch/sysreg.hpp"
#include "mm/pte_format.hpp"

namespace percival::arch {

// Indices into MAIR_EL1 (arch/mmu.hpp).
enum class MemoryAttribute : u64 { DeviceNGnRE = 0, NormalWriteBack = 1 };

class Pte {
public:
    constexpr Pte() = default;
    constexpr explicit Pte(u64 raw) : raw_{raw} {}

    static constexpr Pte table(PhysAddr address) { return Pte{address.raw() | kValidBit | kTableBit}; }

    static constexpr Pte leaf(PhysAddr address, mm::Level level, mm::Attributes attributes)
    {
        u64 raw = address.raw() | kValidBit | (level.is_last() ? kTableBit : 0);
        raw = AccessFlag::in(raw, 1);
        raw = UserExecuteNever::in(raw, 1);
        if (attributes.memory == mm::MemoryType::Normal) {
            raw = AttributeIndex::in(raw, static_cast<u64>(MemoryAttribute::NormalWriteBack));
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

    constexpr PhysAddr address() const { return PhysAddr{raw_ & kAddressMask}; }

    constexpr mm::Attributes attributes() const
    {
        const bool device = AttributeIndex::of(raw_) == static_cast<u64>(MemoryAttribute::DeviceNGnRE);
        const mm::Protection protection = ReadOnly::of(raw_) == 0                 ? mm::Protection::ReadWrite
                                          : PrivilegedExecuteNever::of(raw_) == 0 ? mm::Protection::ReadExecute
                                                                                  : mm::Protection::ReadOnly;
        return {protection, device ? mm::MemoryType::Device : mm::MemoryType::Normal};
    }

    constexpr u64 raw() const { return raw_; }
    friend constexpr bool operator==(Pte, Pte) = default;

private:
    static constexpr u64 kValidBit = 1;
    static constexpr u64 kTableBit = 2; // table above the last level, page on it
    static constexpr u64 kAddressMask = 0x0000'ffff'ffff'f000;
    static constexpr u64 kInnerShareable = 3;

    using AttributeIndex = Field<4, 2>;
    using ReadOnly = Field<7>; // AP[2]; AP[1] = 0: no access from EL0
    using ShareabilityField = Field<9, 8>;
    using AccessFlag = Field<10>;
    using Guarded = Field<50>; // GP: branch targets need a BTI landing pad; ignored without FEAT_BTI
    using PrivilegedExecuteNever = Field<53>;
    using UserExecuteNever = Field<54>;

    u64 raw_{0};
};

static_assert(mm::PteFormat<Pte>);
static_assert(Pte{}.kind(mm::kLastLevel) == mm::PteKind::Invalid);
static_assert(Pte::table(PhysAddr{0x4000'0000}).kind(mm::Level{1}) == mm::PteKind::Table);
static_assert(Pte::leaf(PhysAddr{0x4000'0000}, mm::Level{2}, mm::kText).kind(mm::Level{2}) == mm::PteKind::Leaf);
static_assert(Pte::leaf(PhysAddr{0x4000'0000}, mm::Level{2}, mm::kText).attributes() == mm::kText);
static_assert(Pte::leaf(PhysAddr{0x4000'0000}, mm::kLastLevel, mm::kDeviceRegisters).attributes() ==
              mm::kDeviceRegisters);

} // namespace percival::arch
