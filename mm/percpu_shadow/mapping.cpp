// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_shadow/mapping.hpp"

#include "kernel/lib/assert.hpp"
#include "mm/percpu_shadow/places.hpp"

#include <array>
#include <atomic>

namespace percival::percpu::shadow {

using namespace mm;
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;
constexpr u64 kPages = KernelLayout::kSlabSize / kPage;

// A bit for each page of the local window.
constinit std::array<std::atomic<u64>, (kPages + 63) / 64> shown{};

struct RootCounts {
    PhysAddr root;
    std::atomic<u64> mapped;
    std::atomic<u64> unmapped;
};
// The roots for which a hook was called, in the order of their first calls: the master and those of the CPUs.
constinit std::array<RootCounts, kMaxCpus + 1> counts{};
constinit std::atomic<u32> counted_roots{0};

RootCounts* find_counts(PhysAddr root)
{
    const u32 known = counted_roots.load(std::memory_order_acquire);
    for (u32 n = 0; n < known; ++n) {
        if (counts[n].root == root)
            return &counts[n];
    }
    return nullptr;
}

RootCounts& counts_of(PhysAddr root)
{
    if (RootCounts* found = find_counts(root))
        return *found;
    const u32 index = counted_roots.load(std::memory_order_relaxed);
    PERCIVAL_ASSERT(index < counts.size());
    counts[index].root = root;
    counted_roots.store(index + 1, std::memory_order_release);
    return counts[index];
}

struct Bit {
    std::atomic<u64>& word;
    u64 mask;
};

Bit bit_of(VirtAddr local)
{
    const u64 page = (local - KernelLayout::kLocalPercpu.base) / kPage;
    return {shown[page / 64], u64{1} << page % 64};
}

} // namespace

std::expected<void, MapError> note_mapped(PhysAddr root, VirtRange range, PhysAddr memory)
{
    counts_of(root).mapped.fetch_add(range.size / kPage, std::memory_order_relaxed);
    KernelPageTable table{root, kernel_tables()};
    return table.map(shadow_of(range), memory, kData, Leaves::Pages);
}

std::optional<PhysAddr> note_unmapped(PhysAddr root, VirtAddr page, KernelTlbBatch& batch)
{
    counts_of(root).unmapped.fetch_add(1, std::memory_order_relaxed);
    KernelPageTable table{root, kernel_tables()};
    const VirtRange range = shadow_of(VirtRange{page, kPage});
    const auto found = table.walk(range.base);
    if (found.kind() != PteKind::Leaf)
        return {};
    table.clear(range);
    batch.add_leaves(range, kPage);
    return found.pte.address();
}

void flush_local(VirtAddr page, KernelTlbBatch& batch)
{
    batch.add_leaves(shadow_of(VirtRange{page, kPage}), kPage);
}

bool is_mapped_for(VirtAddr page)
{
    return master_table().walk(shadow_of(page)).kind() == PteKind::Leaf;
}

HookCounts hook_counts(PhysAddr root)
{
    const RootCounts* found = find_counts(root);
    if (found == nullptr)
        return {};
    return {found->mapped.load(std::memory_order_relaxed), found->unmapped.load(std::memory_order_relaxed)};
}

void show(VirtRange local)
{
    for (VirtAddr page = local.base; local.contains(page); page += kPage)
        bit_of(page).word.fetch_or(bit_of(page).mask, std::memory_order_release);
}

void hide(VirtRange local)
{
    for (VirtAddr page = local.base; local.contains(page); page += kPage)
        bit_of(page).word.fetch_and(~bit_of(page).mask, std::memory_order_relaxed);
}

bool is_shown(VirtAddr local)
{
    const Bit bit = bit_of(local);
    return (bit.word.load(std::memory_order_acquire) & bit.mask) != 0;
}

} // namespace percival::percpu::shadow
