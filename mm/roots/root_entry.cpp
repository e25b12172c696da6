// SPDX-License-Identifier: BSD-2-Clause
#include "mm/roots/root_entry.hpp"

#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/writable_window.hpp"
#include "mm/roots/roots.hpp"

namespace percival::mm {

void write_sealed_entry(PhysAddr table, u64 index, arch::Pte value)
{
    const WritableWindow window{table};
    KernelTables::store(window.writable<arch::Pte>() + index, value);
}

void write_root_entry(u64 index, arch::Pte value)
{
    write_sealed_entry(master_root(), index, value);
    for (u32 cpu = 0; cpu < roots_beside_master(); ++cpu)
        write_sealed_entry(cpu_root(CpuId{cpu}), index, value);
}

} // namespace percival::mm
