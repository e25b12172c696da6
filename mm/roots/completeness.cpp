// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/completeness.hpp"

#include "arch/cpu/performance_counter.hpp"
#include "linker/ro_after_init.hpp"
#include "mm/kernel_map/kernel_tables.hpp"

namespace percival::mm {
namespace {

// Level whose entries need a table each, because these tables are shared by all roots. It is the root level
// if the root is the only private table. Otherwise it is the level above the private one, where one entry
// covers a kPrivateSpan.
constexpr Level kSharedLevel = KernelLayout::kPrivateLevel == KernelGeometry::kRootLevel
                                   ? KernelGeometry::kRootLevel
                                   : KernelLayout::kPrivateLevel.up();

PERCIVAL_RO_AFTER_INIT constinit RootCompleteness completeness{};

std::expected<void, MapError> make_shared_tables(u32 cpus)
{
    const VirtRange regions[] = {
        KernelLayout::kModules,
        KernelLayout::kVmalloc,
        {KernelLayout::kGlobalPercpu.base, KernelLayout::kSlabSize * cpus},
        KernelLayout::kImageWindow,
        KernelLayout::kPciIo,
        KernelLayout::kFixmap,
    };
    KernelPageTable master = master_table();
    for (const VirtRange& region : regions) {
        if (auto result = master.ensure_tables(region, kSharedLevel); !result)
            return result;
    }
    if constexpr (KernelLayout::kHasShadow) {
        const VirtRange shadow{KernelLayout::kGlobalShadow.base, KernelLayout::kSlabSize * cpus};
        if (auto result = master.ensure_tables(shadow, kSharedLevel); !result)
            return result;
    }
    // make_root() copies the tables on the way to the local window, so they must exist. The window stays
    // empty.
    if constexpr (KernelLayout::kPrivateLevel != KernelGeometry::kRootLevel)
        return master.ensure_tables(KernelLayout::kLocalPercpu, kSharedLevel);
    return {};
}

u64 instructions_so_far()
{
    return arch::counts_instructions() ? arch::instructions_retired() : 0;
}

} // namespace

std::expected<void, MapError> complete_master_root(u32 cpus)
{
    const u64 tables_before = kernel_tables().tables_made();
    const u64 instructions_before = instructions_so_far();
    if (auto result = make_shared_tables(cpus); !result)
        return result;
    completeness = {kernel_tables().tables_made() - tables_before,
                    instructions_so_far() - instructions_before};
    return {};
}

const RootCompleteness& root_completeness()
{
    return completeness;
}

} // namespace percival::mm
