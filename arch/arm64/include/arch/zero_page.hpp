// SPDX-License-Identifier: BSD-2-Clause
// Zeroing whole pages with DC ZVA (Arm ARM C6.2, D24.2 DCZID_EL0): it writes a cache line without reading it
// first. Any context with the MMU on; the memory is Normal (DC ZVA on Device memory is an Alignment fault).
#pragma once

#include "arch/sysreg.hpp"
#include "mm/address.hpp"

namespace percival::arch {

struct Dczid {
    using Bs = Field<3, 0>; // log2 of the block's size in words of 4 bytes
    using Dzp = Field<4>;   // DC ZVA is prohibited

    u64 raw;
    template <class F>
    constexpr u64 get() const
    {
        return F::of(raw);
    }
    // Not volatile: the value never changes, so a loop over pages reads it once. EL2 may trap DC ZVA, and
    // says so in DZP.
    static Dczid read()
    {
        u64 value;
        asm("mrs %0, dczid_el0" : "=r"(value));
        return {value};
    }
    constexpr u64 block() const { return u64{4} << get<Bs>(); }
    constexpr bool permitted() const { return get<Dzp>() == 0; }
};

// By blocks of 64 bytes, which nearly all cores have: one instruction for the block and one for its address,
// in one piece for 4 KiB, in pieces of 16 KiB for larger pages.
template <u64 Size>
[[gnu::always_inline]] inline void zero_page_by_64(u64 page)
{
    constexpr u64 kPiece = Size < 16384 ? Size : 16384;
    static_assert(Size % kPiece == 0);
    for (u64 at = page; at < page + Size; at += kPiece) {
        u64 block;
        asm volatile("dc zva, %[at]\n"
                     "add %[block], %[at], #64\n"
                     ".rept %c[middle]\n"
                     "dc zva, %[block]\n"
                     "add %[block], %[block], #64\n"
                     ".endr\n"
                     "dc zva, %[block]"
                     : [block] "=&r"(block)
                     : [at] "r"(at), [middle] "i"(kPiece / 64 - 2)
                     : "memory");
    }
}

// Zeroes `Size` bytes, a power of two from 4 KiB on, at a multiple of that.
template <u64 Size>
[[gnu::always_inline]] inline void zero_page(void* memory)
{
    const Dczid dczid = Dczid::read();
    const auto page = reinterpret_cast<u64>(memory);
    if (dczid.permitted() && dczid.block() == 64) [[likely]] {
        zero_page_by_64<Size>(page);
    } else if (dczid.permitted()) {
        for (u64 at = page; at < page + Size; at += dczid.block())
            asm volatile("dc zva, %0" : : "r"(at) : "memory");
    } else {
        __builtin_memset(memory, 0, Size);
    }
}

} // namespace percival::arch
