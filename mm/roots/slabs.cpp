// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/slabs.hpp"

#include "kernel/lib/panic.hpp"
#include "linker/symbols.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/unit.hpp"
#include "mm/physical/early_memory.hpp"

namespace percival::mm {

Bytes first_unit_size()
{
    const auto first = percpu::first_chunk();
    if (!first)
        panic("the static percpu data do not fit into a slab of {}", KernelLayout::kSlabSize);
    return first->size;
}

std::expected<void, MapError> make_slab(CpuId cpu, NumaNode node)
{
    const Bytes size = first_unit_size();
    const auto unit = early_memory().allocate_on(node, size, KernelGeometry::kPageSize);
    if (!unit)
        return std::unexpected{MapError::NoMemory};
    const Bytes section = address_of(_percpu_end) - address_of(_percpu_start);
    auto* bytes = linear_pointer<char>(unit->base);
    __builtin_memcpy(bytes, _percpu_template, section.count());
    __builtin_memset(bytes + section.count(), 0, (size - section).count());
    return master_table().map({local_to_global(KernelLayout::kLocalPercpu.base, cpu), size}, unit->base,
                              kData);
}

} // namespace percival::mm
