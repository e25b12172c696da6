// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/linear_window.hpp"

#include <algorithm>

namespace percival::mm {

PhysRange linear_window(const MemoryBanks& banks, PhysRange image, Bytes size, Bytes alignment,
                        PhysAddr limit)
{
    PhysAddr start = banks[0].range.base;
    for (const MemoryBank& bank : banks)
        start = std::min(start, bank.range.base);
    start = start.align_down(alignment);
    if (image.end() > start && image.end() - start > size)
        start = (image.end() - size).align_up(alignment);
    return {start, start < limit ? std::min(size, limit - start) : Bytes{0}};
}

Bytes keep_within(MemoryBanks& banks, PhysRange window)
{
    Bytes left_out{0};
    std::size_t kept = 0;
    for (const MemoryBank bank : banks) {
        const PhysAddr base = std::max(bank.range.base, window.base);
        const PhysAddr end = std::max(base, std::min(bank.range.end(), window.end()));
        left_out += bank.range.size - (end - base);
        if (base < end)
            banks[kept++] = {{base, end - base}, bank.numa_node};
    }
    banks.truncate(kept);
    return left_out;
}

bool is_in_memory(const MemoryBanks& banks, PhysRange range, Bytes page)
{
    PhysAddr found_to = range.base;
    for (const MemoryBank& bank : banks) {
        if (bank.range.base.align_up(page) <= found_to)
            found_to = std::max(found_to, bank.range.end().align_down(page));
    }
    return found_to >= range.end();
}

std::array<PhysRange, 2> without(PhysRange range, PhysRange taken)
{
    if (!range.overlaps(taken))
        return {range, PhysRange{}};
    const PhysAddr below = std::max(range.base, std::min(range.end(), taken.base));
    const PhysAddr above = std::min(range.end(), taken.end());
    return {PhysRange{range.base, below - range.base}, PhysRange{above, range.end() - above}};
}

} // namespace percival::mm
