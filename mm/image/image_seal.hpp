// SPDX-License-Identifier: BSD-2-Clause
// The seal at the end of the image: a loader that copied less than the whole file, or a bit that changed on
// the way, is noticed before it does harm. scripts/seal_image.py computes the sums in the same way and writes
// them into percival.elf and Image.
//
// The magic tells boot code, with the MMU off, that the file is all there. The sums cover the text and the
// read-only data, but neither the headers, into which loaders and signers write, nor .data, which is written
// to early. They are compared once, before the sites of the this_cpu operations are patched
// (arch/percpu_modes/alternatives.hpp).
#pragma once

#include "kernel/lib/types.hpp"

#include <span>

namespace percival::mm {

// Fletcher's checksum with 64-bit words and sums modulo 2^64. A change of one word changes `plain`. Words in
// another order, or changes that cancel out in `plain`, change `weighted`, in which a word counts the more
// often the earlier it stands.
struct ImageSums {
    u64 plain{0};
    u64 weighted{0};
    friend constexpr bool operator==(ImageSums, ImageSums) = default;
};

constexpr ImageSums sums_of(std::span<const u64> words)
{
    ImageSums sums;
    for (const u64 word : words) {
        sums.plain += word;
        sums.weighted += sums.plain;
    }
    return sums;
}

struct ImageSeal {
    static constexpr u64 kMagic = 0x6c61'7669'6372'6570; // "percival"
    u64 magic;
    ImageSums sums;
};

// Returns whether the seal is there. Also with the MMU off.
bool image_is_whole();

// Computes the sums of the image and returns whether they are those of the seal. Boot CPU, MMU on, once.
bool image_is_as_built();

// Returns the sums of the seal, for the summary.
ImageSums sealed_sums();

} // namespace percival::mm
