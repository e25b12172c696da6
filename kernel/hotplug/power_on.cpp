// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/hotplug/power_on.hpp"

#include "arch/devices/power.hpp"
#include "mm/vmalloc/vmap.hpp"

namespace percival {

std::expected<void, std::string_view> power_on(CpuId cpu, PhysAddr entry)
{
    const auto release_address = arch::spin_table_release_address(cpu);
    if (!release_address)
        return arch::start_cpu(cpu, entry);
    if (!release_address->is_aligned(Bytes{sizeof(u64)}))
        return std::unexpected{"spin table: the CPU's release address is not a multiple of 8"};
    const auto mapped = mm::ioremap({*release_address, Bytes{sizeof(u64)}});
    if (!mapped)
        return std::unexpected{"spin table: the CPU's release address cannot be mapped"};
    arch::release_from_spin_table(arch::Mmio{*mapped}, entry);
    mm::iounmap(*mapped);
    return {};
}

} // namespace percival
