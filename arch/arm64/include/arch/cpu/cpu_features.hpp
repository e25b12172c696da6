// SPDX-License-Identifier: BSD-2-Clause
// The features of CPUs, as data: how each is read, how the values of several CPUs combine, and from when on
// the kernel uses it. What all CPUs have together is kernel/cpus/system_features.hpp's. Any context, also on
// the host; only read_cpu_features() needs a CPU.
#pragma once

#include "kernel/lib/format.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace percival::arch {

// A feature has a value on each CPU: 1 or 0, or the size of a physical address for PhysicalBits.
enum class CpuFeature : u8 {
    Lse,                   // FEAT_LSE: atomic instructions
    CommonNotPrivate,      // FEAT_TTCNP, without an erratum: CnP may be 1 with roots=common
    Bti,                   // FEAT_BTI
    PointerAuthentication, // FEAT_PAuth
    RangeTlbi,             // FEAT_TLBIRANGE
    PerformanceCounters,   // FEAT_PMUv3
    ResizesLive,           // leaves in use may change their size: FEAT_BBM level 3, or by model
    PhysicalBits,          // ID_AA64MMFR0_EL1.PARange
    El2,                   // the CPU runs at EL2, as the boot argument el=2 has it
    RepeatedTlbi,          // a defect: each TLBI has to be repeated (arch/cpu/errata.hpp)
    SharedTlb,             // a defect: hardware threads may share TLB entries
};
inline constexpr u32 kCpuFeatures = 11;

// The registers that tell the features of a CPU.
struct IdRegisters {
    u64 midr{0};
    u64 isar0{0}, isar1{0}, isar2{0};
    u64 mmfr0{0}, mmfr2{0};
    u64 pfr1{0}, dfr0{0};
    u64 exception_level{1};
};

struct CpuFeatureFacts {
    // All CPUs together have the least value of any, or the greatest: what one CPU lacks, none may use, and
    // what one CPU suffers from, all work around.
    enum class Combination : u8 { Least, Greatest };
    enum class Use : u8 {
        Never,         // by no CPU, or by each for itself
        FromBoot,      // by the boot CPU, before the kernel proper reads boot arguments
        OnceFinalised, // decided when the CPUs of the boot are up
    };

    std::string_view name; // in boot arguments and messages
    Combination combination;
    Use use;
    u8 hidden; // value of a CPU that lacks it
    // Why a CPU that lacks the feature cannot be treated as if it had it; empty if it can.
    std::string_view why_not_forced;
    u8 (*read)(const IdRegisters& registers);

    constexpr bool is_defect() const { return combination == Combination::Greatest; }
};

const CpuFeatureFacts& facts_of(CpuFeature feature);
// Returns the feature with that name in the table, or nothing.
std::optional<CpuFeature> cpu_feature_named(std::string_view name);

// Calls visit(CpuFeature) for each feature, in the order of the table.
template <class Visit>
constexpr void for_each_cpu_feature(Visit visit)
{
    for (u32 number = 0; number < kCpuFeatures; ++number)
        visit(static_cast<CpuFeature>(number));
}

class CpuFeatureSet {
public:
    constexpr void add(CpuFeature feature) { bits_ |= bit(feature); }
    constexpr bool contains(CpuFeature feature) const { return (bits_ & bit(feature)) != 0; }
    constexpr bool is_empty() const { return bits_ == 0; }
    // Returns those of the set that are defects.
    CpuFeatureSet defects() const;
    constexpr CpuFeatureSet without(CpuFeatureSet others) const
    {
        CpuFeatureSet rest;
        rest.bits_ = static_cast<u16>(bits_ & ~others.bits_);
        return rest;
    }
    friend constexpr bool operator==(CpuFeatureSet, CpuFeatureSet) = default;
    // Writes the names, `lse, bbm and parange`.
    void describe(Writer& out) const;

private:
    static constexpr u16 bit(CpuFeature feature)
    {
        return static_cast<u16>(1U << static_cast<unsigned>(feature));
    }

    u16 bits_{0};
};

// The features of one CPU, or of several together.
struct CpuFeatures {
    u64 midr{0};
    std::array<u8, kCpuFeatures> values{};

    constexpr u8 value(CpuFeature feature) const { return values[static_cast<u32>(feature)]; }
    constexpr bool has(CpuFeature feature) const { return value(feature) != 0; }
    constexpr void set(CpuFeature feature, u8 value) { values[static_cast<u32>(feature)] = value; }
};

// Returns the features of the CPU with these registers.
CpuFeatures features_of(const IdRegisters& registers);
// Returns the features of the calling CPU, as its hardware has them.
CpuFeatures read_cpu_features();

// Writes the names of the features but not of the defects, "lse cnp bti pauth … parange=48".
void describe_features(Writer& out, const CpuFeatures& features);

// Writes the name and release of a CPU, "Cortex-A53 r0p4", or the MIDR's numbers if the part has no name
// here.
void describe_cpu(Writer& out, u64 midr);

} // namespace percival::arch
