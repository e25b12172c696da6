// SPDX-License-Identifier: BSD-2-Clause
// Bits and runs of bits in bitmaps of 64-bit words, bit 0 first. Pure functions: any context, also on the
// host.
#pragma once

#include "kernel/lib/types.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

namespace percival {

inline constexpr u32 kWordBits = 64;

constexpr bool bit_is_set(std::span<const u64> words, u32 at)
{
    return (words[at / kWordBits] >> at % kWordBits & 1) != 0;
}

constexpr void set_bit(std::span<u64> words, u32 at)
{
    words[at / kWordBits] |= u64{1} << at % kWordBits;
}

constexpr void clear_bit(std::span<u64> words, u32 at)
{
    words[at / kWordBits] &= ~(u64{1} << at % kWordBits);
}

// Calls change(word, mask) for each word that contains bits of [begin, end).
template <class Change>
constexpr void for_words_of(u32 begin, u32 end, Change change)
{
    while (begin < end) {
        const u32 into = begin % kWordBits;
        const u32 count = std::min(end - begin, kWordBits - into);
        change(begin / kWordBits, ~u64{0} >> (kWordBits - count) << into);
        begin += count;
    }
}

constexpr void set_bits(std::span<u64> words, u32 begin, u32 end)
{
    for_words_of(begin, end, [words](u32 word, u64 mask) { words[word] |= mask; });
}

constexpr void clear_bits(std::span<u64> words, u32 begin, u32 end)
{
    for_words_of(begin, end, [words](u32 word, u64 mask) { words[word] &= ~mask; });
}

// Returns the first set bit of [from, limit), or `limit` if there is none. word_at(index) gives the map's
// words.
template <class WordAt>
constexpr u32 find_bit(u32 from, u32 limit, WordAt word_at)
{
    if (from >= limit)
        return limit;
    u32 word = from / kWordBits;
    u64 bits = word_at(word) & ~u64{0} << from % kWordBits;
    while (bits == 0) {
        if (++word * kWordBits >= limit)
            return limit;
        bits = word_at(word);
    }
    return std::min(limit, word * kWordBits + static_cast<u32>(std::countr_zero(bits)));
}

constexpr u32 find_set(std::span<const u64> words, u32 from, u32 limit)
{
    return find_bit(from, limit, [words](u32 word) { return words[word]; });
}

constexpr u32 find_clear(std::span<const u64> words, u32 from, u32 limit)
{
    return find_bit(from, limit, [words](u32 word) { return ~words[word]; });
}

// Returns the bit after the last set bit of [floor, before), or `floor` if no bit is set. That is where the
// run of clear bits that ends at `before` begins.
constexpr u32 find_end_before(std::span<const u64> words, u32 before, u32 floor)
{
    if (before <= floor)
        return floor;
    u32 word = (before - 1) / kWordBits;
    u64 bits = words[word] & ~u64{0} >> (kWordBits - 1 - (before - 1) % kWordBits);
    while (bits == 0) {
        if (word * kWordBits <= floor)
            return floor;
        bits = words[--word];
    }
    return std::max(floor, (word + 1) * kWordBits - static_cast<u32>(std::countl_zero(bits)));
}

// Returns the bits of the word at which a run of at least `length` set bits begins; 1 <= length <= 64. Each
// step requires that the run found so far is followed by another one, so the length doubles.
constexpr u64 starts_of_runs(u64 word, u32 length)
{
    for (u32 known = 1; known < length;) {
        const u32 more = std::min(known, length - known);
        word &= word >> more;
        known += more;
    }
    return word;
}

static_assert(starts_of_runs(0b1110'1101'1111, 3) == 0b0010'0000'0111);
static_assert(starts_of_runs(~u64{0}, 64) == 1);

// For each power of two below 64: the bits of a word whose numbers are multiples of it.
inline constexpr std::array<u64, 6> kMultiplesInWord{
    ~u64{0},
    0x5555'5555'5555'5555,
    0x1111'1111'1111'1111,
    0x0101'0101'0101'0101,
    0x0001'0001'0001'0001,
    0x0000'0001'0000'0001,
};

constexpr u64 multiples_in_word(u32 alignment)
{
    return kMultiplesInWord[static_cast<u32>(std::countr_zero(alignment))];
}

} // namespace percival
