// SPDX-License-Identifier: BSD-2-Clause
#include "percpu_store/support/store_bed.hpp"

#include "kernel/sync/rcu.hpp"
#include "mm/vmalloc/vm_region.hpp"
#include "mm/vmalloc/vmalloc.hpp"

#include <utility>

namespace percival::testing {
namespace {

using namespace mm;

constexpr VirtRange kWindow = KernelLayout::kLocalPercpu;

Bytes in_units(Bytes size)
{
    return size.align_up(percpu::kUnit);
}

VmArea* take_area(Bytes size)
{
    VmArea* area = *local_percpu_region().allocate(size, percpu::kUnit);
    area->kind = VmKind::Percpu;
    return area;
}

} // namespace

PercpuStoreBed::PercpuStoreBed(const PercpuStoreShape& shape)
    : parts_{*percpu::FirstChunk::carve(shape.static_size, percpu::kReservedSize, percpu::kDynamicSize,
                                        KernelGeometry::kPageSize, kWindow.size)}
{
    if (!percpu::make_directory())
        machine.complain("no directory");
    const Bytes own = in_units(parts_.size);
    const u64 units = std::min((kWindow.size - own).count() / percpu::kUnit.count(), shape.units);
    first_area_ = take_area(own);
    first_area_->mapped = parts_.size;
    first_area_->become(VmState::Used);
    const Bytes rest = kWindow.size - own - percpu::kUnit * units;
    if (rest != Bytes{0})
        rest_ = take_area(rest);
    max_areas_ = units + local_percpu_region().areas_in_use();
    first_ = percpu::Chunk::make(kWindow.base, {parts_.size, parts_.dynamic_begin, parts_.size});
    first_->population.populate(first_->all_pages());
    machine.populate_at_boot({kWindow.base, parts_.size});
    machine.use({kWindow.base, parts_.dynamic_begin});
    percpu::enter_chunk(*first_);
    store.start(*first_);
}

VirtRange PercpuStoreBed::allocatable(const percpu::Chunk& chunk) const
{
    if (&chunk != first_)
        return {chunk.base(), percpu::kUnit};
    return {chunk.base() + parts_.dynamic_begin, parts_.size - parts_.dynamic_begin};
}

std::vector<percpu::Chunk*> PercpuStoreBed::chunks()
{
    std::vector<percpu::Chunk*> found;
    VirtAddr from = kWindow.base;
    while (const auto area = local_percpu_region().next_in_use(from)) {
        percpu::Chunk* chunk = percpu::chunk_at(area->range.base);
        if (chunk == nullptr || chunk->base() != area->range.base || area->kind != VmKind::Percpu) {
            machine.complain("an area has no chunk");
            return found;
        }
        found.push_back(chunk);
        from = area->range.end();
        if (from == kWindow.end())
            break;
    }
    return found;
}

bool PercpuStoreBed::window_is_full() const
{
    return local_percpu_region().areas_in_use() == max_areas_;
}

std::string PercpuStoreBed::take_down()
{
    if (percpu::directory == nullptr)
        return {};
    machine.never_fail();
    const std::vector<percpu::Chunk*> all = chunks();
    for (percpu::Chunk* chunk : all)
        percpu::remove_chunk(*chunk);
    rcu::synchronize();
    for (percpu::Chunk* chunk : all) {
        for (u32 page = 0; chunk != first_ && page < chunk->all_pages().end; ++page) {
            if (chunk->population.is_populated(page))
                machine.depopulate(chunk->base(), {page, page + 1});
        }
        local_percpu_region().free(chunk == first_ ? *first_area_ : *chunk->area);
        percpu::Chunk::unmake(chunk);
    }
    if (rest_ != nullptr)
        local_percpu_region().free(*rest_);
    vfree(static_cast<void*>(std::exchange(percpu::directory, nullptr)));
    const std::string& complaint = machine.complaint();
    return !complaint.empty()                                                     ? complaint
           : local_percpu_region().areas_in_use() != 0                            ? "an area is left over"
           : PercpuStoreMachine::notes() != 1                                     ? "a note is left over"
           : machine.blocks() != 0                                                ? "a block is left over"
           : PercpuStoreMachine::kPage * machine.populated_pages() != parts_.size ? "a page is left over"
                                                                                  : std::string{};
}

} // namespace percival::testing
