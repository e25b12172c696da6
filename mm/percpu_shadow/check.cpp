// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_shadow/check.hpp"

#include "arch/cpu/processor.hpp"
#include "mm/percpu/request.hpp"
#include "mm/percpu/window.hpp"
#include "mm/percpu_shadow/finding.hpp"
#include "mm/percpu_shadow/mapping.hpp"
#include "mm/percpu_shadow/places.hpp"

#include <algorithm>

namespace percival::percpu::shadow {

using namespace mm;
namespace {

constexpr Bytes kPage = KernelGeometry::kPageSize;

// One CPU's copy of percpu memory, and the addresses by which it is accessed.
struct Copy {
    CpuId cpu;
    VirtAddr base; // of the copy

    VirtAddr local(VirtAddr address) const { return KernelLayout::kLocalPercpu.base + (address - base); }
    // Returns whether there is shadow for `address`, which may lie outside of the copy.
    bool has_shadow(VirtAddr address) const
    {
        return VirtRange{base, KernelLayout::kSlabSize}.contains(address) && is_shown(local(address));
    }
    bool has_shadow(VirtRange range) const
    {
        bool all = true;
        for (VirtAddr page = range.base.align_down(kPage); page < range.end(); page += kPage)
            all = all && has_shadow(page);
        return all;
    }
};

// Returns the copy that `address` belongs to. Interrupts masked. Where it is shown, it has shadow
// (INV-shadow_mapping-1).
Copy copy_of(VirtAddr address)
{
    if (is_percpu_local(address))
        return {this_cpu_id(), KernelLayout::kLocalPercpu.base};
    const u64 slab = (address - KernelLayout::kGlobalPercpu.base) / KernelLayout::kSlabSize;
    return {CpuId{static_cast<u32>(slab)}, KernelLayout::kGlobalPercpu.base + KernelLayout::kSlabSize * slab};
}

// Interrupts masked. A local address has no shadow of its own where there are no windows.
States states_at(VirtAddr address)
{
    if (roots_are_common() && is_percpu_local(address))
        address = address + Bytes{arch::read_this_cpu_distance()};
    // SAFETY: the caller has found that the address has shadow, which consists of bytes.
    return States{reinterpret_cast<u8*>(shadow_of(address).raw())};
}

// Returns the object that `byte` is in or, if it is in none, the nearest one below (INV-shadow_states-1).
std::optional<VirtRange> object_at(const Copy& copy, VirtAddr byte)
{
    const VirtAddr lowest = byte - kMaxSize;
    VirtAddr at = byte;
    while (copy.has_shadow(at) && !states_at(at).begins(0)) {
        if (at == lowest)
            return {};
        at = at - Bytes{1};
    }
    if (!copy.has_shadow(at))
        return {};
    u64 limit = 0;
    while (limit < kMaxSize.count() && copy.has_shadow(at + Bytes{limit}))
        ++limit;
    return VirtRange{copy.local(at), Bytes{states_at(at).object_size(limit)}};
}

std::optional<Finding> find_and_note(VirtRange range, Access access)
{
    const arch::InterruptMask masked; // the local shadow stays that of one CPU
    const Copy copy = copy_of(range.base);
    if (copy.cpu.index() >= possible_cpu_count() || !copy.has_shadow(range))
        return {};
    const States states = states_at(range.base);
    const bool needs_values = access == Access::LoadValue || access == Access::UpdateValue;
    const bool writes = access == Access::Store || access == Access::UpdateValue;
    const auto wrong = states.find_wrong(range.size.count(), needs_values);
    if (writes)
        states.note_written(range.size.count());
    if (!wrong) [[likely]]
        return {};
    const VirtAddr byte = range.base + Bytes{wrong->index};
    return Finding{wrong->wrong, writes, range.base, range.size, byte, copy.cpu, object_at(copy, byte)};
}

} // namespace

void check_percpu(VirtAddr address, Bytes size, Access access)
{
    if (arch::read_this_cpu_distance() == 0)
        return;
    if (const auto finding = find_and_note({address, size}, access))
        report(*finding);
}

} // namespace percival::percpu::shadow
