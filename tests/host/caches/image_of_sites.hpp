// SPDX-License-Identifier: BSD-2-Clause
// An image with five sites of this_cpu operations and their sequences, as the linker leaves them.
#pragma once

#include "arch/percpu_modes/alternatives.hpp"
#include "tests/host/caches/image.hpp"

#include <array>

namespace percival::arch {

inline constexpr u32 kLoadAdd = 0xf8e9'010a, kResult = 0xa; // ldaddal x9, x10, [x8]
inline constexpr u32 kNoResult = 0x1f;
inline constexpr u32 kLoad = 0xf940'0100, kLoadByDistance = 0xf868'6a40; // ldr x0, [x8], and [x18, x8]
inline constexpr u32 kVeneer = 0x1400'0100;                              // b

// Where the sites are, as indices of words in the text: two on the first page, three on the second.
inline constexpr std::array<u32, 5> kSites{10, 1023, 1024, 1100, 1500};
inline constexpr u32 kSequences = 1600, kSequence = 12; // seven sequences of 12 words for each site

// Stores in `offset` the distance from there to a word of the text.
inline void point(s32& offset, const Image& image, u32 word)
{
    offset = static_cast<s32>(address_of(&image.text[word]).raw() - address_of(&offset).raw());
}

inline void fill_with_sites(Image& image)
{
    for (u32 n = 0; n < kSites.size(); ++n) {
        Alternative& one = image.alternatives[n];
        const bool is_add = n != 2 && n != 3;
        const u32 first = kSequences + n * 7 * kSequence;
        point(one.site_offset, image, kSites[n]);
        one.instruction = is_add ? kLoadAdd : kLoad;
        one.result_is_unused = n == 1 || n == 4 ? 1 : 0;
        one.restart_instruction = n == 2 ? kLoadByDistance : 0;
        if (is_add)
            point(one.llsc, image, first);
        if (n != 2) {
            point(one.restart_lse, image, first + 1 * kSequence);
            point(one.restart_llsc, image, first + (is_add ? 2 : 1) * kSequence);
        }
        point(one.guarded_lse, image, first + 3 * kSequence);
        point(one.guarded_llsc, image, first + (is_add ? 4 : 3) * kSequence);
        point(one.fixup_lse, image, first + 5 * kSequence);
        point(one.fixup_llsc, image, first + (is_add ? 6 : 5) * kSequence);
        image.text[first + 1 * kSequence + 1] = kLoadAdd;
        image.text[first + 3 * kSequence + 5] = kLoadAdd;
        image.text[first + 5 * kSequence + 5] = kLoadAdd;
        image.text[kSites[n]] = instruction_of(one, kPercpuFormAsLinked);
    }
}

} // namespace percival::arch
