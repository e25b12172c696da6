// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/slabs.hpp"

#include "arch/cpu/zero_page.hpp"
#include "kernel/lib/panic.hpp"
#include "linker/symbols.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/unit.hpp"
#include "mm/percpu_shadow/mapping.hpp"
#include "mm/percpu_shadow/states.hpp"
#include "mm/physical/early_memory.hpp"

namespace percival::mm {
namespace {

// Makes the shadow of a first unit, which is mapped at `unit` in the master. The static section counts as
// written. Nothing else is allocated.
[[maybe_unused]] std::expected<void, MapError> make_shadow(VirtRange unit, Bytes section, NumaNode node)
{
    const auto memory = early_memory().allocate_on(node, unit.size, KernelGeometry::kPageSize);
    if (!memory)
        return std::unexpected{MapError::NoMemory};
    auto* states = linear_pointer<u8>(memory->base);
    __builtin_memset(states, static_cast<int>(percpu::shadow::State::Written), section.count());
    __builtin_memset(states + section.count(), static_cast<int>(percpu::shadow::State::Unallocated),
                     (unit.size - section).count());
    return percpu::shadow::note_mapped(master_root(), unit, memory->base);
}

// Gives the first unit at `unit` its initial bytes: zero but for the initialized part of the static section.
void initialize(PhysAddr unit, Bytes size, Bytes section)
{
    const Bytes zero = address_of(_percpu_initialized) - address_of(_percpu_start);
    auto* bytes = linear_pointer<char>(unit);
    arch::zero_lines(address_of(bytes).raw(), zero.count());
    __builtin_memcpy(bytes + zero.count(), _percpu_template, (section - zero).count());
    arch::zero_lines(address_of(bytes + section.count()).raw(), (size - section).count());
}

} // namespace

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
    initialize(unit->base, size, section);
    const VirtRange slab{local_to_global(KernelLayout::kLocalPercpu.base, cpu), size};
    const auto mapped = master_table().map(slab, unit->base, kData);
    if constexpr (kPercpuShadow) {
        if (mapped)
            return make_shadow(slab, section, node);
    }
    return mapped;
}

} // namespace percival::mm
