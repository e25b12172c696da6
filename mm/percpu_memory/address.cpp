// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_memory/address.hpp"

#include "kernel/sync/rcu.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu_memory/chunk.hpp"

namespace percival::percpu {

using namespace mm;
namespace {

AddressKind kind_of_local(VirtAddr local)
{
    const FirstChunk first = *first_chunk();
    const Bytes offset = local - KernelLayout::kLocalPercpu.base;
    if (offset < address_of(_percpu_end) - address_of(_percpu_start))
        return AddressKind::Static;
    if (offset < first.reserved_begin)
        return AddressKind::Unused;
    if (offset < first.dynamic_begin)
        return AddressKind::Reserved;
    const Chunk* chunk = chunk_at(local.align_down(kGrain));
    return chunk != nullptr && chunk->contains(local) ? AddressKind::Dynamic : AddressKind::Unused;
}

} // namespace

AddressInfo find_address(VirtAddr address)
{
    const rcu::ReadGuard reading; // INV-percpu_chunk-3
    AddressInfo info{};
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
    Chunk* chunk = chunk_at(info.local);
    info.allocated = chunk != nullptr && chunk->tag_of(info.local).load(std::memory_order_relaxed) != kNoTag;
    return info;
}

std::string_view describe(const AddressInfo& info)
{
    if (info.cpu && info.kind != AddressKind::Unused)
        return "a global alias: an allocation is freed by its local address";
    switch (info.kind) {
    case AddressKind::None:
    case AddressKind::Unused:
        return "not percpu memory";
    case AddressKind::Static:
        return "a static percpu variable";
    case AddressKind::Reserved:
    case AddressKind::Dynamic:
        break;
    }
    return info.allocated ? "in use" : "no allocation begins there";
}

std::optional<PhysAddr> to_phys(VirtAddr local, CpuId cpu)
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

} // namespace percival::percpu
