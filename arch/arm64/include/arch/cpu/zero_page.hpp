// SPDX-License-Identifier: BSD-2-Clause
// Zeroes pages and cache lines with DC ZVA (Arm ARM C6.2, D24.2 DCZID_EL0), which writes a cache line without
// reading it first. Any context with the MMU on. The memory must be Normal: DC ZVA on Device memory is an
// Alignment fault.
#pragma once

#include "arch/cpu/sysreg.hpp"
#include "kernel/lib/address.hpp"

namespace percival::arch {

struct Dczid {
    using Bs = Field<3, 0>; // log2 of the block's size in words of 4 bytes
    using Dzp = Field<4>;   // DC ZVA is prohibited, as EL2 may request

    // The value that nearly all cores have: DC ZVA is permitted, and its blocks have 64 bytes.
    static constexpr u64 kUsual = Bs::in(0, 4);

    u64 difference; // DCZID_EL0 xor kUsual
    constexpr bool is_usual() const { return difference == 0; }
    constexpr bool permits() const { return Dzp::of(difference) == 0; }
    constexpr u64 block() const { return u64{4} << Bs::of(difference ^ kUsual); }

    // The assembly is not volatile: the value never changes, so a loop over pages reads it once. It takes the
    // difference too, so that such a loop tests for the usual case with one CBNZ.
    static Dczid read()
    {
        u64 difference;
        asm("mrs %0, dczid_el0\n"
            "eor %0, %0, %1"
            : "=r"(difference)
            : "i"(kUsual));
        return {difference};
    }
};

// Zeroes `Size` bytes at `at` by blocks of 64 bytes, with one instruction for each block and one for the
// address of the next. `Size` is a multiple of 64 from 128 on, and `at` a multiple of 64.
template <u64 Size>
[[gnu::always_inline]] inline void zero_by_64(u64 at)
{
    u64 block;
    asm volatile("dc zva, %[at]\n"
                 "add %[block], %[at], #64\n"
                 ".rept %c[middle]\n"
                 "dc zva, %[block]\n"
                 "add %[block], %[block], #64\n"
                 ".endr\n"
                 "dc zva, %[block]"
                 : [block] "=&r"(block)
                 : [at] "r"(at), [middle] "i"(Size / 64 - 2)
                 : "memory");
}

// Zeroes `Size` bytes at `memory`. `Size` is a power of two from 4 KiB on, and `memory` a multiple of it.
template <u64 Size>
[[gnu::always_inline]] inline void zero_page(void* memory)
{
    constexpr u64 kPiece = Size < 16384 ? Size : 16384;
    const Dczid dczid = Dczid::read();
    const u64 page = address_of(memory).raw();
    if (dczid.is_usual()) [[likely]] {
#pragma clang loop unroll(disable)
        for (u64 piece = 0; piece < Size / kPiece; ++piece)
            zero_by_64<kPiece>(page + piece * kPiece);
    } else if (dczid.permits()) {
        for (u64 at = page; at < page + Size; at += dczid.block())
            asm volatile("dc zva, %0" : : "r"(at) : "memory");
    } else {
        __builtin_memset(memory, 0, Size);
    }
}

// Zeroes `size` bytes at `at`, both multiples of 64. Works by 4 KiB while so much is left.
[[gnu::always_inline]] inline void zero_lines(u64 at, u64 size)
{
    if (!Dczid::read().is_usual()) {
        // SAFETY: the caller owns the `size` bytes at `at`, in which no object lives yet.
        __builtin_memset(reinterpret_cast<void*>(at), 0, size);
        return;
    }
    for (; size >= 4096; size -= 4096, at += 4096)
        zero_by_64<4096>(at);
#pragma clang loop unroll_count(4)
    for (; size != 0; size -= 64, at += 64)
        asm volatile("dc zva, %0" : : "r"(at) : "memory");
}

} // namespace percival::arch
