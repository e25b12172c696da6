// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/sync.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/roots/root_entry.hpp"
#include "mm/roots/roots.hpp"

namespace percival::mm {
namespace {

struct KernelRoots {
    static u32 cpus() { return roots_beside_master(); }
    static PhysAddr master_table(Level level) { return master_table_of(level); }
    static PhysAddr private_table(CpuId cpu, Level level) { return mm::private_table(cpu, level); }
    static const arch::Pte* table(PhysAddr address) { return kernel_tables().table(address); }
    static void write(PhysAddr table, u64 index, arch::Pte value) { write_sealed_entry(table, index, value); }
    static std::optional<PhysAddr> allocate() { return kernel_tables().allocate(); }
    static void publish() { KernelTables::publish(); }
};

constinit KernelRoots roots;
constinit RootSync<KernelGeometry, arch::Pte, KernelRoots, SpinLock, KernelLayout> root_sync{roots};

} // namespace

std::expected<void, RootSyncError> sync_roots(VirtRange range)
{
    return root_sync.sync(range);
}

u64 late_root_entries()
{
    return root_sync.entries_made();
}

} // namespace percival::mm
