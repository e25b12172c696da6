// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/mapping_audit.hpp"

#include "arch/mmu/pte.hpp"
#include "kernel/lib/assert.hpp"
#include "linker/symbols.hpp"
#include "mm/address_space/fixmap.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/ro_after_init.hpp"
#include "mm/kernel_map/writable_window.hpp"
#include "mm/roots/roots.hpp"

namespace percival::mm {
namespace {

// Text, read-only data, data of init, the reserved root, the idmap, the private tables, and a table of the
// master for each private level.
using ReadOnlyMemory = BoundedVector<PhysRange, 6 + KernelLayout::kPrivateTables>;

PhysRange image_part(const void* from, const void* to)
{
    return {image_to_physical(from), address_of(to) - address_of(from)};
}

ReadOnlyMemory read_only_memory()
{
    constexpr Bytes kPage = KernelGeometry::kPageSize;
    ReadOnlyMemory memory;
    const auto add = [&memory](PhysRange range) { PERCIVAL_ASSERT(memory.push(range)); };
    add(image_part(_text, _etext));
    add(image_part(_rodata, _erodata));
    if (init_data_is_sealed())
        add(image_part(_ro_after_init, _ero_after_init));
    add({image_to_physical(&boot::boot_tables.reserved), kPage});
    add({image_to_physical(&boot::boot_tables.idmap), kPage});
    add(private_tables());
    for (Level level = KernelGeometry::kRootLevel; level <= KernelLayout::kPrivateLevel; level = level.down())
        add({master_table_of(level), kPage});
    return memory;
}

const arch::Pte* table_at(PhysAddr table)
{
    return kernel_tables().table(table);
}

template <class G>
constexpr PageTableDump<G, arch::Pte, decltype(&table_at)> kTrees{&table_at};

class Auditor {
public:
    // Audits a run under `root`. The page of a writable window is looked at once, at the end.
    void look_at(PhysAddr root, const MappedRun& run)
    {
        ++audit_.runs;
        for_each_flaw(root, run, memory_.span(), [this](const FlawedMapping& flawed) {
            if (flawed.flaw != MappingFlaw::WritableAlias || !kFixmapWritable.contains(flawed.range))
                audit_.note(flawed);
        });
    }

    void note(const FlawedMapping& flawed) { audit_.note(flawed); }

    const MappingAudit& result() const { return audit_; }

private:
    ReadOnlyMemory memory_{read_only_memory()};
    MappingAudit audit_{};
};

void audit_own_part(Auditor& auditor, CpuId cpu)
{
    const PhysAddr root = cpu_root(cpu);
    kTrees<KernelGeometry>.for_each_own_run(root, master_root(),
                                            [&](const MappedRun& run) { auditor.look_at(root, run); });
}

// TTBR0 has one of these two. The reserved root is in TTBR1 as well, between two roots.
void audit_boot_roots(Auditor& auditor)
{
    const PhysAddr idmap = image_to_physical(&boot::boot_tables.idmap);
    kTrees<IdmapGeometry>.for_each_run(
        idmap, [&](const MappedRun& run) { auditor.look_at(idmap, run); }, VirtAddr{0});
    const PhysAddr reserved = image_to_physical(&boot::boot_tables.reserved);
    kTrees<KernelGeometry>.for_each_run(reserved, [&](const MappedRun& run) {
        auditor.note({MappingFlaw::NotEmpty, reserved, run.range, run.to, run.rights});
    });
}

void audit_writable_window(Auditor& auditor)
{
    if (!writable_window_is_left_open())
        return;
    const arch::Pte page = master_table().walk(kFixmapWritable.base).pte;
    auditor.note({MappingFlaw::WritableAlias, master_root(), kFixmapWritable, page.address(), page.rights()});
}

} // namespace

MappingAudit audit_mappings()
{
    Auditor auditor;
    kTrees<KernelGeometry>.for_each_run(master_root(),
                                        [&](const MappedRun& run) { auditor.look_at(master_root(), run); });
    for (u32 cpu = 0; cpu < roots_beside_master(); ++cpu)
        audit_own_part(auditor, CpuId{cpu});
    audit_boot_roots(auditor);
    audit_writable_window(auditor);
    return auditor.result();
}

} // namespace percival::mm
