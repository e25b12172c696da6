// SPDX-License-Identifier: BSD-2-Clause
#include "mm/percpu_shadow/objects.hpp"

#include "mm/percpu/request.hpp"
#include "mm/percpu_shadow/mapping.hpp"
#include "mm/percpu_shadow/places.hpp"

namespace percival::percpu::shadow {
namespace {

// Calls `change(States)` with the shadow of each possible CPU's copy.
template <class Change>
void on_all_cpus(VirtAddr local, Change change)
{
    for (u32 cpu = 0; cpu < possible_cpu_count(); ++cpu) {
        const VirtAddr global = mm::local_to_global(local, CpuId{cpu});
        // SAFETY: the object's pages are mapped for every CPU, so their shadow is.
        change(States{reinterpret_cast<u8*>(shadow_of(global).raw())});
    }
}

// Returns how many bytes from `local` on have shadow, as far as an object can reach.
u64 shown_from(VirtAddr local)
{
    constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
    VirtAddr end = local;
    while (end - local < kMaxSize && mm::is_percpu_local(end) && is_shown(end))
        end = end.align_down(kPage) + kPage;
    return (end - local).count();
}

} // namespace

void allocate_object(VirtAddr local, Bytes size, Bytes rounded, State fill)
{
    on_all_cpus(local, [=](States states) { states.allocate(size.count(), rounded.count(), fill); });
}

void free_object(VirtAddr local)
{
    const u64 limit = shown_from(local);
    on_all_cpus(local, [=](States states) { states.free(limit); });
}

} // namespace percival::percpu::shadow
