// SPDX-License-Identifier: BSD-2-Clause
#include "mm/image/image_seal.hpp"

#include "linker/symbols.hpp"

namespace percival::mm {

bool image_is_whole()
{
    return _image_seal.magic == ImageSeal::kMagic;
}

bool image_is_as_built()
{
    // SAFETY: text and read-only data follow each other, aligned to pages. Any object may be read as words;
    // these are only added up.
    const auto* const first = reinterpret_cast<const u64*>(_sealed);
    const auto* const end = reinterpret_cast<const u64*>(_erodata);
    return sums_of({first, end}) == _image_seal.sums;
}

ImageSums sealed_sums()
{
    return _image_seal.sums;
}

} // namespace percival::mm
