// SPDX-License-Identifier: BSD-2-Clause
// Poisoning: freed memory is filled with a pattern, which is checked when the memory is handed out again, so
// that a write after the free is detected. Only debug builds poison (kPoisonFreedMemory), but the functions
// exist in every build. Any context, on the host too.
#pragma once

#include "kernel/lib/address.hpp"

#include <algorithm>
#include <optional>

namespace percival::mm {

#ifdef PERCIVAL_DEBUG
inline constexpr bool kPoisonFreedMemory = true;
#else
inline constexpr bool kPoisonFreedMemory = false;
#endif

// A value that is neither an address of this kernel nor a small number.
inline constexpr u64 kPoison = 0x6b6b'6b6b'6b6b'6b6b;

// Fills memory with poison. `memory` and `size` are multiples of 8 bytes.
inline void poison(void* memory, Bytes size)
{
    std::fill_n(static_cast<u64*>(memory), size.count() / sizeof(u64), kPoison);
}

// Returns the offset of the first word that is not poison any more; nothing if all words still are.
inline std::optional<Bytes> find_damaged_poison(const void* memory, Bytes size)
{
    const auto* words = static_cast<const u64*>(memory);
    const u64 count = size.count() / sizeof(u64);
    const u64* damaged = std::find_if(words, words + count, [](u64 word) { return word != kPoison; });
    if (damaged == words + count)
        return std::nullopt;
    return Bytes{static_cast<u64>(damaged - words) * sizeof(u64)};
}

} // namespace percival::mm
