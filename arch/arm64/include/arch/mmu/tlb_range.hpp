// SPDX-License-Identifier: BSD-2-Clause
// The operands of TLBIs by range, FEAT_TLBIRANGE (Arm ARM C5.5, TLBI RVAAE1IS). An operand has this layout:
//
//   63    48 47 46 45   44 43 39 38 37 36          0
//   | ASID  |  TG | SCALE | NUM | TTL |  BaseADDR   |
//
// The TLBI covers [base, base + (NUM + 1) * 2^(5 * SCALE + 1) granules). BaseADDR is the address in granules,
// which is VA[48:12] at 4 KiB. With TCR_EL1.DS = 1 it is VA[52:16] for every granule, so that a range begins
// at a multiple of 64 KiB.
#pragma once

#include "arch/cpu/sysreg.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "mm/address_space/geometry.hpp"

namespace percival::arch {

struct TlbiRangeOperand {
    using BaseAddress = Field<36, 0>;
    using Num = Field<43, 39>;
    using Scale = Field<45, 44>;
    using Tg = Field<47, 46>;

    static constexpr u64 translation_granule(mm::Granule granule)
    {
        return granule == mm::Granule::K4 ? 1 : granule == mm::Granule::K16 ? 2 : 3;
    }
    static constexpr u64 granules(u64 num, u64 scale) { return (num + 1) << (5 * scale + 1); }
};

// Returns the number of low address bits that BaseADDR leaves out. These are the bits of a page
// (`page_shift`), or 16 where TCR_EL1.DS says that 52-bit descriptors of 4 or 16 KiB are in use.
inline unsigned range_base_shift(unsigned page_shift)
{
    return Tcr::read_constant().get<Tcr::Ds>() != 0 ? 16 : page_shift;
}

// Calls `visit(operand)` for each of the TLBIs that together cover `range`. Less than 2^21 granules take four
// TLBIs at most. They may cover more than `range`, as each covers an even number of granules.
template <mm::Granule G, class Visit>
constexpr void for_each_range_operand(VirtRange range, unsigned base_shift, Visit visit)
{
    constexpr unsigned kShift = static_cast<unsigned>(G);
    const VirtAddr base = range.base.align_down(Bytes{u64{1} << base_shift});
    u64 at = base.raw();
    u64 left = (range.end() - base).count() >> kShift;
    left += left & 1;
    for (u64 scale = 3; left != 0;) {
        const u64 fits = std::min<u64>(left >> (5 * scale + 1), 32);
        if (fits == 0) {
            --scale;
            continue;
        }
        u64 operand = TlbiRangeOperand::BaseAddress::in(0, at >> base_shift);
        operand = TlbiRangeOperand::Num::in(operand, fits - 1);
        operand = TlbiRangeOperand::Scale::in(operand, scale);
        visit(TlbiRangeOperand::Tg::in(operand, TlbiRangeOperand::translation_granule(G)));
        const u64 covered = TlbiRangeOperand::granules(fits - 1, scale);
        at += covered << kShift;
        left -= std::min(left, covered);
    }
}

namespace tlb_range_check {

template <mm::Granule G>
constexpr u64 operand(VirtRange range, unsigned which, unsigned base_shift = static_cast<unsigned>(G))
{
    u64 found = 0;
    unsigned number = 0;
    for_each_range_operand<G>(range, base_shift,
                              [&](u64 value) { found = number++ == which ? value : found; });
    return found;
}

constexpr VirtAddr kBase{0xffff'8000'0000'0000};
constexpr u64 kBase4k = (kBase.raw() >> 12) & 0x1f'ffff'ffff;

static_assert(operand<mm::Granule::K4>({kBase, 8_KiB}, 0) == (kBase4k | u64{1} << 46));
static_assert(operand<mm::Granule::K4>({kBase, 4_KiB}, 0) == (kBase4k | u64{1} << 46));
static_assert(operand<mm::Granule::K4>({kBase, 256_KiB}, 0) == (kBase4k | u64{1} << 46 | u64{1} << 44));
static_assert(operand<mm::Granule::K4>({kBase, 264_KiB}, 1) == ((kBase4k + 64) | u64{1} << 46));
static_assert(operand<mm::Granule::K4>({kBase, 264_KiB}, 2) == 0);
static_assert(operand<mm::Granule::K64>({kBase, 1_MiB}, 0) ==
              (((kBase.raw() >> 16) & 0x1f'ffff'ffff) | u64{3} << 46 | u64{7} << 39));
static_assert(operand<mm::Granule::K4>({kBase + 4_KiB, 4_KiB}, 0, 16) ==
              operand<mm::Granule::K4>({kBase, 8_KiB}, 0, 16));

} // namespace tlb_range_check

} // namespace percival::arch
