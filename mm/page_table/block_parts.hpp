// SPDX-License-Identifier: BSD-2-Clause
// The parts of a block: the leaves of the next level that map the same. Whoever splits a block fills a table
// with them before it is linked.
#pragma once

#include "mm/page_table/descriptor_access.hpp"

namespace percival::mm {

// Returns the first part of `block`, at `lower`, the level below the block's. It has no contiguous hint.
template <PteFormat Pte>
[[gnu::always_inline]] inline Pte first_part_of(Pte block, Level lower)
{
    return Pte::leaf(block.address(), lower, block.attributes());
}

// Fills `table`, which no walker reaches yet, with all parts of a block. They are like `first`, which is at
// `lower`, but for their addresses.
template <class G, PteFormat Pte, class Env>
[[gnu::always_inline]] inline void fill_with_parts(DescriptorWriter<Pte, Env>& writer, Pte* table, Pte first,
                                                   Level lower)
{
    writer.fill_invalid(table, G::entries(lower), first, G::entry_size(lower));
}

} // namespace percival::mm
