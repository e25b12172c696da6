// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/include/arch/cpu/errata.hpp"

namespace percival::arch {
namespace {

// Returns the release rXpY as variant and revision in one byte, so that releases compare in order: r1p2 is
// 0x12.
constexpr u8 r(unsigned variant, unsigned revision)
{
    return static_cast<u8>(variant << 4 | revision);
}

// The releases `first` to `last` of one part, or of all parts that are equal under `part_mask`.
struct Models {
    u8 implementer;
    u16 part;
    u8 first{r(0, 0)};
    u8 last{r(15, 15)};
    u16 part_mask{0xfff};

    constexpr bool contain(u64 midr) const
    {
        const u64 release = (midr >> 16 & 0xf0) | (midr & 0xf);
        return midr >> 24 == implementer && (midr >> 4 & part_mask) == part && first <= release &&
               release <= last;
    }
};

constexpr u8 kSoftware = 0x00, kArm = 0x41, kBroadcom = 0x42, kCavium = 0x43, kHiSilicon = 0x48,
             kNvidia = 0x4e, kQualcomm = 0x51, kMicrosoft = 0x6d, kAmpere = 0xc0;

constexpr Models kRepeatedTlbi[] = {
    // CVE-2025-10263. Arm's numbers for it differ by product.
    {kArm, 0xd0b},       // Cortex-A76, 4193800; up to r3p0 1286807 as well
    {kArm, 0xd0e},       // Cortex-A76AE, 4193801
    {kArm, 0xd0d},       // Cortex-A77, 4193798
    {kArm, 0xd41},       // Cortex-A78, 4193791
    {kArm, 0xd42},       // Cortex-A78AE, 4193793
    {kArm, 0xd4b},       // Cortex-A78C, 4193794
    {kArm, 0xd47},       // Cortex-A710, 4193788
    {kArm, 0xd44},       // Cortex-X1, 4193791
    {kArm, 0xd4c},       // Cortex-X1C, 4193792
    {kArm, 0xd48},       // Cortex-X2, 4193788
    {kArm, 0xd4e},       // Cortex-X3, 4193786
    {kArm, 0xd82},       // Cortex-X4, 4118414
    {kArm, 0xd85},       // Cortex-X925, 4193781
    {kArm, 0xd0c},       // Neoverse-N1, 4193800
    {kArm, 0xd49},       // Neoverse-N2, 4193789
    {kArm, 0xd40},       // Neoverse-V1, 4193790
    {kArm, 0xd4f},       // Neoverse-V2, 4193787
    {kArm, 0xd84},       // Neoverse-V3, 4193784
    {kArm, 0xd83},       // Neoverse-V3AE, 4193784
    {kArm, 0xd90},       // C1-Premium, 4193780
    {kArm, 0xd8c},       // C1-Ultra, 4193780
    {kNvidia, 0x010},    // Olympus, T410-OLY-1029
    {kMicrosoft, 0xd49}, // Azure Cobalt 100, 4193789
    // Older errata that need the same workaround.
    {kArm, 0xd05},                                      // Cortex-A55, 2441007
    {kArm, 0xd46, r(0, 0), r(1, 1)},                    // Cortex-A510, 2441009
    {kQualcomm, 0x804, r(12, 14), r(15, 14)},           // Kryo 4xx Gold, a Cortex-A76 up to r3p0
    {kQualcomm, 0x800, r(0, 0), r(0, 0)},               // Falkor v1, 1009
    {kQualcomm, 0x200, r(0, 0), r(15, 15), u16{0xf00}}, // Kryo, 1009
};

constexpr Models kResizesLive[] = {
    {kArm, 0xd82, r(0, 3), r(0, 15)}, // Cortex-X4
    {kArm, 0xd84, r(0, 2), r(0, 15)}, // Neoverse-V3; earlier releases have erratum 3053180
    {kArm, 0xd83, r(0, 2), r(0, 15)}, // Neoverse-V3AE; earlier releases have erratum 3053180
    {kArm, 0xd88},                    // Cortex-A520AE
    {kArm, 0xd4d},                    // Cortex-A715
    {kArm, 0xd89},                    // Cortex-A720AE
    {kArm, 0xd87},                    // Cortex-A725
    {kArm, 0xd8e},                    // Neoverse-N3
    {kArm, 0xd8a},                    // C1-Nano
    {kArm, 0xd8b},                    // C1-Pro
    {kArm, 0xd8c, r(1, 1)},           // C1-Ultra; earlier releases have erratum 3683289
    {kArm, 0xd90, r(1, 1)},           // C1-Premium; earlier releases have erratum 3683289
    {kNvidia, 0x010},                 // Olympus
    {kAmpere, 0xac3},                 // AmpereOne, which does not advertise FEAT_BBM
    {kAmpere, 0xac4},                 // AmpereOne A, which does not advertise it either
    {kSoftware, 0x051}, // QEMU max, which uses either of two conflicting entries and never aborts
};

constexpr Models kMayShareTlbEntries[] = {
    {kCavium, 0x0af},   // ThunderX2: four threads on a core, Armv8.1
    {kBroadcom, 0x516}, // Vulcan, the earlier name of the same core
};

constexpr Models kSharesEntriesWrongly[] = {
    {kHiSilicon, 0xd02}, // HIP09, 162100125
    {kNvidia, 0x004},    // Carmel, Carmel CnP
};

constexpr Models kTearsCountAtRollover[] = {
    {kArm, 0xd09}, // Cortex-A73, 858921
};

constexpr u64 kNeverConflicts = 3; // value of ID_AA64MMFR2_EL1.BBM

template <class List>
bool contains(const List& list, u64 midr)
{
    for (const Models& models : list) {
        if (models.contain(midr))
            return true;
    }
    return false;
}

} // namespace

bool needs_repeated_tlbi(u64 midr)
{
    return contains(kRepeatedTlbi, midr);
}

bool tears_count_at_rollover(u64 midr)
{
    return contains(kTearsCountAtRollover, midr);
}

bool may_share_tlb_entries(u64 midr)
{
    return contains(kMayShareTlbEntries, midr);
}

bool shares_entries_wrongly(u64 midr)
{
    return contains(kSharesEntriesWrongly, midr);
}

bool resizes_live(u64 midr, u64 break_before_make_level)
{
    return break_before_make_level >= kNeverConflicts || contains(kResizesLive, midr);
}

} // namespace percival::arch
