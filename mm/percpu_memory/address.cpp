// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/address.hpp"

#include "kernel/sync/rcu.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu_memory/chunk.hpp"

namespace percival::mm {
namespace {

PercpuKind kind_of_local(VirtAddr local)
{
    const PercpuFirstChunk first = *first_percpu_chunk();
    const Bytes offset = local - KernelLayout::kLocalPercpu.base;
    if (offset < address_of(_percpu_end) - address_of(_percpu_start))
        return PercpuKind::Static;
    if (offset < first.reserved_begin)
        return PercpuKind::Unused;
    if (offset < first.dynamic_begin)
        return PercpuKind::Reserved;
    const PercpuChunk* chunk = percpu_chunk_at(local.align_down(kPercpuGrain));
    return chunk != nullptr && chunk->contains(local) ? PercpuKind::Dynamic : PercpuKind::Unused;
}

} // namespace

PercpuAddressInfo find_percpu_address(VirtAddr address)
{
    const rcu::ReadGuard reading; // INV-percpu_chunk-3
    PercpuAddressInfo info{};
    if (is_percpu_local(address)) {
        info.local = address;
    } else if (KernelLayout::kGlobalPercpu.contains(address)) {
        const u64 slab = (address - KernelLayout::kGlobalPercpu.base).count() >> KernelLayout::kSlabShift;
        if (slab >= possible_cpu_count())
            return info;
        info.cpu = CpuId{static_cast<u32>(slab)};
        info.local = VirtAddr{address.raw() - global_distance(*info.cpu)};
    } else {
        return info;
    }
    info.kind = kind_of_local(info.local);
    PercpuChunk* chunk = percpu_chunk_at(info.local);
    info.allocated =
        chunk != nullptr && chunk->tag_of(info.local).load(std::memory_order_relaxed) != kNoPercpuTag;
    return info;
}

std::string_view describe(const PercpuAddressInfo& info)
{
    if (info.cpu && info.kind != PercpuKind::Unused)
        return "a global alias: what was allocated is the local address";
    switch (info.kind) {
    case PercpuKind::None:
    case PercpuKind::Unused:
        return "no percpu memory";
    case PercpuKind::Static:
        return "a static percpu variable";
    case PercpuKind::Reserved:
    case PercpuKind::Dynamic:
        break;
    }
    return info.allocated ? "in use" : "nothing in use begins there";
}

std::optional<PhysAddr> percpu_to_phys(VirtAddr local, CpuId cpu)
{
    if (!is_percpu_local(local) || cpu.index() >= possible_cpu_count())
        return {};
    const VirtAddr global = local_to_global(local, cpu);
    const auto found = master_table().walk(global);
    if (found.kind() != PteKind::Leaf)
        return {};
    const Bytes into{global.raw() & (KernelGeometry::entry_size(found.level).count() - 1)};
    return found.pte.address() + into;
}

} // namespace percival::mm
