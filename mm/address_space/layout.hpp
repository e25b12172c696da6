// SPDX-License-Identifier: BSD-2-Clause
// The layout of the kernel's address space, for every geometry. The linker script and the assembly use the
// same constants (arch/arm64/boot/asm_offsets.cpp); there is no second copy of them.
//
// The kernel half from low to high. The gaps between these regions are never mapped.
//
//   linear map      all RAM, at a constant distance from its physical address; half of the kernel half
//   modules         loadable code
//   vmalloc         stacks, device registers, and everything else that is mapped on demand
//   global percpu   one slab per possible CPU, slab n at kGlobalPercpu.base + (n << kSlabShift)
//   image window    the kernel image, linked at the start of the window, which ends where local percpu begins
//   local percpu    a window of one slab, where each root maps its own CPU's slab: the only region in which
//                   roots differ. The static percpu section is linked at its start.
//   vmemmap         room for page descriptors; nothing is mapped there yet
//   PCI I/O
//   fixmap          addresses fixed at compile time, for early boot and for patching
//
// A layout with a shadow of percpu memory (mm/percpu_shadow) has two more regions, each at a constant
// distance from what it shadows, byte for byte:
//
//   global shadow   below global percpu: a slab of shadow for each slab
//   local shadow    below the image window: a window onto this CPU's slab of shadow. Roots differ in it, too.
//
// At 4k-48:
//   linear   ffff0000'00000000 128 TiB | modules  ffff8000'00000000   2 GiB | vmalloc ffff8000'80000000 ..
//   global   fffffc80'00000000 512 GiB | image    fffffd7f'80000000   1 GiB | local   fffffd7f'c0000000 1 GiB
//   (checked below, in the static_asserts)
#pragma once

#include "mm/address_space/geometry.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace percival::mm {

// A range of addresses for one purpose, with the name that all listings give it.
struct Region {
    std::string_view name;
    VirtRange range;
};

// Returns whether each region ends before the next one begins, or where it does.
template <std::size_t N>
constexpr bool are_ascending(const std::array<Region, N>& regions)
{
    const auto overlap = [](const Region& below, const Region& above) {
        return below.range.end() > above.range.base;
    };
    return std::ranges::adjacent_find(regions, overlap) == regions.end();
}

// Whether a layout has regions for a shadow of percpu memory.
enum class ShadowRegions : u8 { None, BytePerByte };

template <class G, ShadowRegions S = ShadowRegions::None>
struct Layout {
    // A slab is one CPU's share of the global percpu area, and the size of the local window. It is one entry
    // of some level, between 32 MiB and 1 GiB, so that one descriptor links a window. Only 4k-39 has too
    // small a kernel half for that: there, a slab is 32 entries of 2 MiB.
    static constexpr unsigned kSlabShift = G::kGranule == Granule::K64   ? 29
                                           : G::kGranule == Granule::K16 ? 25
                                           : G::kVaBits == 39            ? 26
                                                                         : 30;
    static constexpr Bytes kSlabSize{u64{1} << kSlabShift};

    // The level whose entries make up the local window: the largest entry that is not larger than a slab. A
    // CPU has its own copy of every table on the path from the root down to the table of this level. It
    // shares all tables below.
    static constexpr Level private_level()
    {
        Level level = G::kRootLevel;
        while (G::entry_size(level) > kSlabSize)
            level = level.down();
        return level;
    }
    static constexpr Level kPrivateLevel = private_level();
    // The number of tables a CPU owns: the root and those below it down to the private level.
    static constexpr unsigned kPrivateTables =
        static_cast<unsigned>(kPrivateLevel.number() - G::kRootLevel.number()) + 1;
    static constexpr u64 kWindowEntries = kSlabSize.count() >> G::shift(kPrivateLevel);

    // The addresses that one private table spans. The window is at the end of such a span, so that it shares
    // the private tables with little else than the image. Where the root itself is the private table there is
    // only one span.
    static constexpr Bytes kPrivateSpan =
        kPrivateLevel == G::kRootLevel ? G::entry_size(kPrivateLevel) : G::entry_size(kPrivateLevel.up());

    static constexpr VirtAddr kTop{0}; // one past the last address, modulo 2^64
    static constexpr VirtRange kFixmap{kTop - 40_MiB, 32_MiB};
    static constexpr VirtRange kPciIo{kFixmap.base - 24_MiB, 16_MiB};

    // The lower half of the kernel half. A folded 52-bit build (mm/address_space/fold.hpp) has the linear map
    // at kFoldedLinear instead. All other regions lie above both.
    static constexpr VirtRange kLinear{G::kKernelBase, Bytes{G::kKernelSize.count() / 2}};
    static constexpr VirtRange kFoldedLinear{VirtAddr{~u64{0} << 48}, Bytes{u64{1} << 47}};
    static constexpr Bytes kPageDescriptorSize{64};
    static constexpr Bytes kVmemmapSize{(kLinear.size.count() >> G::kPageShift) *
                                        kPageDescriptorSize.count()};
    static constexpr VirtRange kVmemmap{(kPciIo.base - kVmemmapSize).align_down(kPrivateSpan), kVmemmapSize};

    static constexpr VirtRange kLocalPercpu{kVmemmap.base - kSlabSize, kSlabSize};
    static constexpr Bytes kImageWindowSize =
        G::kGranule == Granule::K4 && G::kVaBits >= 48 ? 1_GiB : 512_MiB;
    static constexpr VirtRange kImageWindow{kLocalPercpu.base - kImageWindowSize, kImageWindowSize};
    // Both regions of the shadow are empty in a layout without one.
    static constexpr bool kHasShadow = S == ShadowRegions::BytePerByte;
    static constexpr Bytes kLocalShadowSize{kHasShadow ? kSlabSize.count() : 0};
    static constexpr VirtRange kLocalShadow{kImageWindow.base - kLocalShadowSize, kLocalShadowSize};
    static constexpr Bytes kGlobalPercpuSize{kSlabSize.count() * kMaxCpus};
    static constexpr VirtRange kGlobalPercpu{kLocalShadow.base.align_down(kPrivateSpan) - kGlobalPercpuSize,
                                             kGlobalPercpuSize};
    static constexpr Bytes kGlobalShadowSize{kHasShadow ? kGlobalPercpuSize.count() : 0};
    static constexpr VirtRange kGlobalShadow{kGlobalPercpu.base - kGlobalShadowSize, kGlobalShadowSize};
    static constexpr VirtRange kModules{G::kVaBits == 52 ? kFoldedLinear.end() : kLinear.end(),
                                        G::kVaBits <= 42 ? 256_MiB : 2_GiB};

    // Roots are complete at boot: every entry of a private table that vmalloc can ever use points to a table
    // from the start. This takes one table per kPrivateSpan, so vmalloc is as large as 1 MiB of tables can
    // serve. It ends at least one span before global percpu, so that an access past its end faults.
    static constexpr Bytes kVmallocRoom = (kGlobalShadow.base - kPrivateSpan) - kModules.end();
    static constexpr Bytes kVmallocLimit{(u64{1} << (20 - G::kPageShift)) * kPrivateSpan.count() -
                                         kModules.size.count()};
    static constexpr VirtRange kVmalloc{kModules.end(), std::min(kVmallocRoom, kVmallocLimit)};

    // Returns all regions, from low to high. `is_folded` (mm/address_space/fold.hpp) decides where the linear
    // map is.
    static constexpr std::array<Region, kHasShadow ? 11 : 9> regions(bool is_folded)
    {
        const Region linear{"linear map", is_folded ? kFoldedLinear : kLinear};
        const Region modules{"modules", kModules};
        const Region vmalloc{"vmalloc", kVmalloc};
        const Region global{"global percpu", kGlobalPercpu};
        const Region image{"image window", kImageWindow};
        const Region local{"local percpu", kLocalPercpu};
        const Region vmemmap{"vmemmap", kVmemmap};
        const Region pci_io{"PCI I/O", kPciIo};
        const Region fixmap{"fixmap", kFixmap};
        if constexpr (kHasShadow) {
            const Region global_shadow{"global shadow", kGlobalShadow};
            const Region local_shadow{"local shadow", kLocalShadow};
            return {{linear, modules, vmalloc, global_shadow, global, local_shadow, image, local, vmemmap,
                     pci_io, fixmap}};
        } else {
            return {{linear, modules, vmalloc, global, image, local, vmemmap, pci_io, fixmap}};
        }
    }

    // Returns whether roots differ in entry `index` of the private table of `level`: at the private level in
    // the entries of the window, above it in the one entry that leads there. The window of the shadow has as
    // many entries, and the same entries lead there.
    static constexpr bool is_private(Level level, u64 index)
    {
        const u64 first = G::index(level, kLocalPercpu.base);
        const u64 count = level == kPrivateLevel ? kWindowEntries : 1;
        if (index >= first && index - first < count)
            return true;
        const u64 first_of_shadow = G::index(level, kLocalShadow.base);
        return kHasShadow && index >= first_of_shadow && index - first_of_shadow < count;
    }

    // The difference between the global and the local address of CPU 0's data; another CPU adds cpu <<
    // kSlabShift.
    static constexpr Bytes kLocalToGlobal{kGlobalPercpu.base.raw() - kLocalPercpu.base.raw()};

    // The regions are in ascending order and do not overlap.
    static_assert(are_ascending(regions(false)) && are_ascending(regions(true)));
    static_assert(kLinear.base == G::kKernelBase && kFixmap.base < kFixmap.end());
    // Gaps behind vmalloc and PCI I/O make accesses past their ends fault.
    static_assert(kVmalloc.end() < kGlobalShadow.base && kPciIo.end() < kFixmap.base);
    static_assert(kModules.end() == kVmalloc.base && kVmalloc.size >= 7_GiB);
    static_assert(kImageWindow.end() == kLocalPercpu.base && kLocalPercpu.end() == kVmemmap.base);

    // ADRP reaches all of local percpu from all code: ±4 GiB (Arm ARM C6.2.13).
    static_assert(kLocalPercpu.end() - kImageWindow.base <= 4_GiB);

    // The window consists of whole entries at the private level, which neighbouring regions do not use.
    static_assert(kWindowEntries >= 1 && kWindowEntries << G::shift(kPrivateLevel) == kSlabSize.count());
    static_assert(kLocalPercpu.base.is_aligned(G::entry_size(kPrivateLevel)));
    static_assert(kGlobalPercpu.base.is_aligned(kSlabSize));
    // All entries of the window are in one private table.
    static_assert(kPrivateLevel == G::kRootLevel ||
                  kLocalPercpu.base.align_down(kPrivateSpan) ==
                      (kLocalPercpu.end() - Bytes{1}).align_down(kPrivateSpan));
    // The window of the shadow consists of whole entries of that same table.
    static_assert(kLocalShadow.base.is_aligned(G::entry_size(kPrivateLevel)));
    static_assert(kPrivateLevel == G::kRootLevel || !kHasShadow ||
                  kLocalShadow.base.align_down(kPrivateSpan) == kLocalPercpu.base.align_down(kPrivateSpan));
};

// Instantiates all supported geometries, so that an impossible layout does not compile in any build.
static_assert(Layout<Geometry4k39>::kPrivateLevel == Level{2} && Layout<Geometry4k39>::kWindowEntries == 32);
static_assert(Layout<Geometry4k48>::kPrivateLevel == Level{1} && Layout<Geometry4k48>::kPrivateTables == 2);
static_assert(Layout<Geometry4k52>::kPrivateLevel == Level{1} && Layout<Geometry4k52>::kPrivateTables == 3);
static_assert(Layout<Geometry16k47>::kPrivateLevel == Level{2} && Layout<Geometry16k47>::kWindowEntries == 1);
static_assert(Layout<Geometry16k48>::kPrivateLevel == Level{2} && Layout<Geometry16k48>::kPrivateTables == 3);
static_assert(Layout<Geometry16k52>::kPrivateLevel == Level{2} && Layout<Geometry16k52>::kPrivateTables == 3);
static_assert(Layout<Geometry64k42>::kPrivateLevel == Level{2} && Layout<Geometry64k42>::kPrivateTables == 1);
static_assert(Layout<Geometry64k48>::kPrivateLevel == Level{2} && Layout<Geometry64k48>::kPrivateTables == 2);
static_assert(Layout<Geometry64k52>::kPrivateLevel == Level{2} && Layout<Geometry64k52>::kPrivateTables == 2);

static_assert(Layout<Geometry4k48>::kLinear.base == VirtAddr{0xffff'0000'0000'0000});
static_assert(Layout<Geometry4k48>::kVmalloc.base == VirtAddr{0xffff'8000'8000'0000});
static_assert(Layout<Geometry4k48>::kGlobalPercpu.base == VirtAddr{0xffff'fc80'0000'0000});
static_assert(Layout<Geometry4k48>::kImageWindow.base == VirtAddr{0xffff'fd7f'8000'0000});
static_assert(Layout<Geometry4k48>::kLocalPercpu.base == VirtAddr{0xffff'fd7f'c000'0000});

// A shadow fits into every geometry. With one, local percpu and the image lie where they lie without.
template <class G>
using LayoutWithShadow = Layout<G, ShadowRegions::BytePerByte>;
template <class... G>
constexpr bool shadow_moves_nothing()
{
    return ((LayoutWithShadow<G>::kLocalPercpu == Layout<G>::kLocalPercpu &&
             LayoutWithShadow<G>::kImageWindow == Layout<G>::kImageWindow) &&
            ...);
}
static_assert(shadow_moves_nothing<Geometry4k39, Geometry4k48, Geometry4k52, Geometry16k47, Geometry16k48,
                                   Geometry16k52, Geometry64k42, Geometry64k48, Geometry64k52>());

} // namespace percival::mm
