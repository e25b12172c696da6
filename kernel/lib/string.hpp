// SPDX-License-Identifier: BSD-2-Clause
// The C library's memory and string functions under names of their own, so that a host test can compare them
// with the host's functions. kernel/lib/string.cpp defines the names that the compiler and libfdt call. Any
// context, also before the MMU is on.
//
// INV-string-1: every access is naturally aligned. With the MMU off all memory is Device-nGnRnE, where an
//     unaligned access faults (Arm ARM, "Alignment of data accesses").
// INV-string-2: nothing here may be compiled into a call of one of these functions. So the file that defines
//     the C names is compiled with -fno-builtin.
// Also: no byte outside the given range is read, so a range may end where a mapping ends.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>

namespace percival::string {

namespace detail {

// Eight bytes of an object of any type.
using Word [[gnu::may_alias]] = u64;
inline constexpr std::size_t kWord = sizeof(Word);

inline std::size_t misalignment(const void* p)
{
    // SAFETY: only the address is used.
    return reinterpret_cast<std::uintptr_t>(p) % kWord;
}

// SAFETY: Word may alias any type. Callers check misalignment() first (INV-string-1) and keep to the given
// range.
inline Word* words(u8* p)
{
    return reinterpret_cast<Word*>(p);
}
// SAFETY: as above.
inline const Word* words(const u8* p)
{
    return reinterpret_cast<const Word*>(p);
}

// Copies so many words. All are read before the first is written, so that the compiler uses LDP and STP.
template <std::size_t Count>
[[gnu::always_inline]] inline void copy_words(u8* to, const u8* from)
{
    std::array<u64, Count> held;
    for (std::size_t at = 0; at < Count; ++at)
        held[at] = words(from)[at];
    for (std::size_t at = 0; at < Count; ++at)
        words(to)[at] = held[at];
}

// Writes so many words, by STP.
template <std::size_t Count>
[[gnu::always_inline]] inline void fill_words(u8* to, u64 word)
{
    for (std::size_t at = 0; at < Count; ++at)
        words(to)[at] = word;
}

} // namespace detail

// Copies in ascending order, which is also right for overlapping ranges if `to` is below `from`.
inline void* copy(void* to, const void* from, std::size_t size)
{
    auto* d = static_cast<u8*>(to);
    const auto* s = static_cast<const u8*>(from);
    if (detail::misalignment(d) == detail::misalignment(s)) {
        for (; size != 0 && detail::misalignment(d) != 0; --size)
            *d++ = *s++;
        for (; size >= 8 * detail::kWord; size -= 8 * detail::kWord) {
            detail::copy_words<8>(d, s);
            d += 8 * detail::kWord;
            s += 8 * detail::kWord;
        }
        for (; size >= detail::kWord; size -= detail::kWord) {
            *detail::words(d) = *detail::words(s);
            d += detail::kWord;
            s += detail::kWord;
        }
    }
    for (; size != 0; --size)
        *d++ = *s++;
    return to;
}

// Copies in descending order, for overlapping ranges with `to` above `from`.
inline void* copy_down(void* to, const void* from, std::size_t size)
{
    u8* d = static_cast<u8*>(to) + size;
    const u8* s = static_cast<const u8*>(from) + size;
    if (detail::misalignment(d) == detail::misalignment(s)) {
        for (; size != 0 && detail::misalignment(d) != 0; --size)
            *--d = *--s;
        for (; size >= detail::kWord; size -= detail::kWord) {
            d -= detail::kWord;
            s -= detail::kWord;
            *detail::words(d) = *detail::words(s);
        }
    }
    for (; size != 0; --size)
        *--d = *--s;
    return to;
}

inline void* move(void* to, const void* from, std::size_t size)
{
    // SAFETY: only the addresses are used.
    // As an unsigned distance, a `to` below `from` wraps to a large number.
    if (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from) >= size)
        return copy(to, from, size);
    return copy_down(to, from, size);
}

inline void* fill(void* to, int value, std::size_t size)
{
    auto* d = static_cast<u8*>(to);
    const auto byte = static_cast<u8>(value);
    for (; size != 0 && detail::misalignment(d) != 0; --size)
        *d++ = byte;
    const u64 word = byte * u64{0x0101'0101'0101'0101};
    for (; size >= 8 * detail::kWord; size -= 8 * detail::kWord) {
        detail::fill_words<8>(d, word);
        d += 8 * detail::kWord;
    }
    for (; size >= detail::kWord; size -= detail::kWord) {
        *detail::words(d) = word;
        d += detail::kWord;
    }
    for (; size != 0; --size)
        *d++ = byte;
    return to;
}

inline int compare(const void* left, const void* right, std::size_t size)
{
    const auto* l = static_cast<const u8*>(left);
    const auto* r = static_cast<const u8*>(right);
    if (detail::misalignment(l) == 0 && detail::misalignment(r) == 0) {
        for (; size >= detail::kWord && *detail::words(l) == *detail::words(r); size -= detail::kWord) {
            l += detail::kWord;
            r += detail::kWord;
        }
    }
    for (; size != 0; --size, ++l, ++r) {
        if (*l != *r)
            return *l < *r ? -1 : 1;
    }
    return 0;
}

inline const void* find_byte(const void* in, int value, std::size_t size)
{
    const auto* p = static_cast<const u8*>(in);
    for (; size != 0; --size, ++p) {
        if (*p == static_cast<u8>(value))
            return p;
    }
    return nullptr;
}

inline std::size_t length(const char* text)
{
    std::size_t n = 0;
    while (text[n] != '\0')
        ++n;
    return n;
}

inline std::size_t bounded_length(const char* text, std::size_t limit)
{
    std::size_t n = 0;
    while (n < limit && text[n] != '\0')
        ++n;
    return n;
}

// The terminating NUL counts as a character of the string, here and in find_last.
inline const char* find_first(const char* text, int value)
{
    for (;; ++text) {
        if (*text == static_cast<char>(value))
            return text;
        if (*text == '\0')
            return nullptr;
    }
}

inline const char* find_last(const char* text, int value)
{
    const char* last = nullptr;
    for (;; ++text) {
        if (*text == static_cast<char>(value))
            last = text;
        if (*text == '\0')
            return last;
    }
}

} // namespace percival::string
