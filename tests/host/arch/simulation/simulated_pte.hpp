// SPDX-License-Identifier: BSD-2-Clause
// The simulated machine's descriptor format: 52-bit output addresses for every geometry. No field has the
// position that it has in Arm's formats.
//
//   63  60 59    56 55  48 47         12 11 10      9       8   7     6      5      4 3   2   1  0
//   |  0  |OA[51:48]|  0  | OA[47:12] | 0 | cache | share | nG | no AF | user | memory | prot | run | kind |
//
// The bits from 7 on are set only by tests of the machine itself. They mean: no access flag, not global,
// another shareability than the usual one, and another cacheability.
#pragma once

#include "mm/address_space/pte_format.hpp"

namespace percival::arch {

class SimulatedPte {
public:
    constexpr SimulatedPte() = default;
    constexpr explicit SimulatedPte(u64 raw) : raw_{raw} {}

    static constexpr SimulatedPte table(PhysAddr address) { return SimulatedPte{encode(address) | kTable}; }
    static constexpr SimulatedPte leaf(PhysAddr address, mm::Level, mm::Attributes attributes)
    {
        return SimulatedPte{encode(address) | kLeaf | static_cast<u64>(attributes.protection) << 3 |
                            static_cast<u64>(attributes.memory) << 5};
    }

    constexpr mm::PteKind kind(mm::Level) const
    {
        return (raw_ & 3) == kLeaf    ? mm::PteKind::Leaf
               : (raw_ & 3) == kTable ? mm::PteKind::Table
                                      : mm::PteKind::Invalid;
    }
    constexpr PhysAddr address() const { return PhysAddr{(raw_ & kLowAddress) | ((raw_ >> 56 & 0xf) << 48)}; }
    constexpr mm::Attributes attributes() const
    {
        return {static_cast<mm::Protection>(raw_ >> 3 & 3), static_cast<mm::MemoryType>(raw_ >> 5 & 1)};
    }
    constexpr mm::Rights rights() const
    {
        const u64 protection = raw_ & kProtection;
        const auto allows = [protection](mm::Protection one) {
            return protection == kProtection || protection == static_cast<u64>(one) << 3;
        };
        return {allows(mm::Protection::ReadWrite), allows(mm::Protection::ReadExecute), (raw_ & kUser) != 0};
    }
    // Returns the descriptor with the right to write and that to execute. Only tests make such descriptors.
    constexpr SimulatedPte with_write_and_execute() const { return SimulatedPte{raw_ | kProtection}; }
    // Returns the descriptor with access for unprivileged code. Only tests make such descriptors.
    constexpr SimulatedPte with_user() const { return SimulatedPte{raw_ | kUser}; }
    constexpr bool has_access_flag() const { return (raw_ & kNoAccessFlag) == 0; }
    constexpr SimulatedPte without_access_flag() const { return SimulatedPte{raw_ | kNoAccessFlag}; }
    constexpr bool is_global() const { return (raw_ & kNonGlobal) == 0; }
    constexpr SimulatedPte with_asid() const { return SimulatedPte{raw_ | kNonGlobal}; }
    constexpr SimulatedPte with_other_shareability() const { return SimulatedPte{raw_ | kShareability}; }
    constexpr SimulatedPte with_other_cacheability() const { return SimulatedPte{raw_ | kCacheability}; }
    // Returns whether an access through either descriptor has the same memory type, shareability and
    // cacheability.
    constexpr bool is_same_kind_of_memory(SimulatedPte other) const
    {
        constexpr u64 kBits = kShareability | kCacheability;
        return attributes().memory == other.attributes().memory && (raw_ & kBits) == (other.raw_ & kBits);
    }
    constexpr bool is_contiguous() const { return (raw_ & kRun) != 0; }
    constexpr SimulatedPte with_contiguous(bool on) const
    {
        return SimulatedPte{on ? raw_ | kRun : raw_ & ~kRun};
    }
    constexpr SimulatedPte kept() const { return SimulatedPte{raw_ | kKept}; }
    constexpr SimulatedPte restored() const { return SimulatedPte{(raw_ & ~kKept) | kLeaf}; }
    constexpr bool keeps_leaf() const { return (raw_ & kKept) == kKept; }
    constexpr u64 raw() const { return raw_; }
    friend constexpr bool operator==(SimulatedPte, SimulatedPte) = default;

private:
    static constexpr u64 kTable = 1, kLeaf = 2, kKept = 3, kRun = 4, kProtection = 3 << 3, kUser = 64;
    static constexpr u64 kNoAccessFlag = 128, kNonGlobal = 256, kShareability = 512, kCacheability = 1024;
    static constexpr u64 kLowAddress = 0x0000'ffff'ffff'f000;

    static constexpr u64 encode(PhysAddr address)
    {
        return (address.raw() & kLowAddress) | (address.raw() >> 48 & 0xf) << 56;
    }

    u64 raw_{0};
};

static_assert(mm::PteFormat<SimulatedPte>);
static_assert(SimulatedPte::table(PhysAddr{0xf'1234'5678'9000}).address() == PhysAddr{0xf'1234'5678'9000});

} // namespace percival::arch
