// SPDX-License-Identifier: BSD-2-Clause
// The shape of a translation tree: a granule and a number of VA bits determine levels, entries and block
// sizes. Only this file decides on a level count or a granule; all other code asks a Geometry.
//
// Invariant: boot code decides what depends on the CPU (wide_blocks here, and mm/address_space/fold.hpp)
// once, with the MMU off, before it writes any descriptor. The decision never changes afterwards.
//
// Levels are numbered as in the Arm ARM (D8.2): level 3 holds pages, and each level above it resolves
// kIndexBits more. The root's level follows from the VA size: 2 for 64k-42, 0 for 4k-48, -1 for 4k-52.
//
//   4k-48   63        48 47     39 38     30 29     21 20     12 11          0
//          | all ones   | level 0 | level 1 | level 2 | level 3 | offset      |
#pragma once

#include "kernel/lib/address.hpp"

#include <algorithm>

namespace percival::mm {

enum class Granule : u8 { K4 = 12, K16 = 14, K64 = 16 };

// A level of the tree, -1 to 3.
class Level {
public:
    constexpr explicit Level(int number) : number_{number} {}
    constexpr int number() const { return number_; }
    // down() goes towards the pages, up() towards the root.
    constexpr Level down() const { return Level{number_ + 1}; }
    constexpr Level up() const { return Level{number_ - 1}; }
    constexpr bool is_last() const { return number_ == 3; }
    // A level is greater the closer it is to the pages.
    friend constexpr auto operator<=>(Level, Level) = default;

private:
    int number_;
};

inline constexpr Level kLastLevel{3};

// Whether blocks exist one level further up than 48-bit output addresses allow. True if this boot uses 52-bit
// input and output addresses. Never true in a build for 48 bits or less.
inline constinit bool wide_blocks = false;

template <Granule G, unsigned VaBits>
struct Geometry {
    static constexpr Granule kGranule = G;
    static constexpr unsigned kVaBits = VaBits;
    static constexpr unsigned kPageShift = static_cast<unsigned>(G);
    static constexpr Bytes kPageSize{u64{1} << kPageShift};
    // A table fills a page with 8-byte descriptors.
    static constexpr unsigned kIndexBits = kPageShift - 3;
    static constexpr unsigned kLevels = (VaBits - kPageShift + kIndexBits - 1) / kIndexBits;
    static constexpr Level kRootLevel{4 - static_cast<int>(kLevels)};

    static constexpr unsigned shift(Level level)
    {
        return kPageShift + static_cast<unsigned>(3 - level.number()) * kIndexBits;
    }
    // The size that one entry at `level` maps.
    static constexpr Bytes entry_size(Level level) { return Bytes{u64{1} << shift(level)}; }
    static constexpr u64 entries(Level level)
    {
        return level == kRootLevel ? u64{1} << (VaBits - shift(level)) : u64{1} << kIndexBits;
    }
    static constexpr u64 index(Level level, VirtAddr address)
    {
        return (address.raw() >> shift(level)) & (entries(level) - 1);
    }
    // Returns whether blocks exist at `level` (Arm ARM D8.3.1): at level 2, and for 4 KiB at level 1 too.
    // Where FEAT_LPA2 (4 KiB, 16 KiB) or FEAT_LPA (64 KiB) is in use, also one level above these: 512 GiB, 64
    // GiB and 4 TiB.
    static constexpr Level kWideBlockLevel{G == Granule::K4 ? 0 : 1};
    static bool block_allowed(Level level)
    {
        if (level == kWideBlockLevel)
            return VaBits == 52 && wide_blocks;
        return kWideBlockLevel < level && !level.is_last();
    }
    // Returns how many neighbouring leaves may share one TLB entry through the contiguous hint (Arm ARM
    // D8.7.1). They must map neighbouring memory with equal attributes and start at a multiple of their
    // number. 1 means that this level has no such hint.
    static constexpr u64 contiguous_entries(Level level)
    {
        if (level <= kWideBlockLevel)
            return 1;
        if (G == Granule::K16)
            return level.is_last() ? 128 : 32;
        return G == Granule::K4 ? 16 : 32;
    }
    // The kernel half: the top of the 64-bit space, translated through TTBR1.
    static constexpr VirtAddr kKernelBase{~u64{0} << VaBits};
    static constexpr Bytes kKernelSize{u64{1} << VaBits};

    static_assert(kLevels >= 2 && kLevels <= 5);
};

using Geometry4k39 = Geometry<Granule::K4, 39>;
using Geometry4k48 = Geometry<Granule::K4, 48>;
using Geometry4k52 = Geometry<Granule::K4, 52>;
using Geometry16k47 = Geometry<Granule::K16, 47>;
using Geometry16k48 = Geometry<Granule::K16, 48>;
using Geometry16k52 = Geometry<Granule::K16, 52>;
using Geometry64k42 = Geometry<Granule::K64, 42>;
using Geometry64k48 = Geometry<Granule::K64, 48>;
using Geometry64k52 = Geometry<Granule::K64, 52>;

static_assert(Geometry4k39::kLevels == 3 && Geometry4k39::entry_size(Level{1}) == 1_GiB);
static_assert(Geometry4k48::kLevels == 4 && Geometry4k48::entries(Level{0}) == 512);
static_assert(Geometry4k52::kLevels == 5 && Geometry4k52::entries(Level{-1}) == 16);
static_assert(Geometry16k47::kLevels == 3 && Geometry16k47::entry_size(Level{1}) == 64_GiB);
static_assert(Geometry16k48::kLevels == 4 && Geometry16k48::entries(Level{0}) == 2);
static_assert(Geometry16k52::kLevels == 4 && Geometry16k52::entries(Level{0}) == 32);
static_assert(Geometry64k42::kLevels == 2 && Geometry64k42::entries(Level{2}) == 8192);
static_assert(Geometry64k48::kLevels == 3 && Geometry64k48::entries(Level{1}) == 64);
static_assert(Geometry64k52::kLevels == 3 && Geometry64k52::entries(Level{1}) == 1024);

static_assert(Geometry4k48::entry_size(Level{3}) * Geometry4k48::contiguous_entries(Level{3}) == 64_KiB);
static_assert(Geometry4k48::entry_size(Level{2}) * Geometry4k48::contiguous_entries(Level{2}) == 32_MiB);
static_assert(Geometry4k48::entry_size(Level{1}) * Geometry4k48::contiguous_entries(Level{1}) == 16_GiB);
static_assert(Geometry16k48::entry_size(Level{3}) * Geometry16k48::contiguous_entries(Level{3}) == 2_MiB);
static_assert(Geometry16k48::entry_size(Level{2}) * Geometry16k48::contiguous_entries(Level{2}) == 1_GiB);
static_assert(Geometry64k48::entry_size(Level{3}) * Geometry64k48::contiguous_entries(Level{3}) == 2_MiB);
static_assert(Geometry64k48::entry_size(Level{2}) * Geometry64k48::contiguous_entries(Level{2}) == 16_GiB);
static_assert(Geometry4k52::contiguous_entries(Level{0}) == 1 &&
              Geometry16k52::contiguous_entries(Level{1}) == 1 &&
              Geometry64k52::contiguous_entries(Level{1}) == 1);

static_assert(Geometry4k52::entry_size(Geometry4k52::kWideBlockLevel) == 512_GiB);
static_assert(Geometry16k52::entry_size(Geometry16k52::kWideBlockLevel) == 64_GiB);
static_assert(Geometry64k52::entry_size(Geometry64k52::kWideBlockLevel) == 4_TiB);

} // namespace percival::mm
