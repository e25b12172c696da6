// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/gic_registers.hpp"

#include "mm/vmalloc/vmap.hpp"

namespace percival {
namespace {

using Result = std::expected<arch::GicRegisters, std::string_view>;

// Maps `range` and stores the mapping in `registers`, or does nothing if the range is empty. Returns false on
// failure.
bool map(PhysRange range, arch::Mmio& registers)
{
    if (range.is_empty())
        return true;
    const auto mapped = mm::ioremap(range);
    if (!mapped)
        return false;
    registers = arch::Mmio{*mapped};
    return true;
}

Result map_v2(const GicDescription& gic)
{
    arch::GicRegisters registers;
    if (!map(gic.distributor, registers.distributor) || !map(gic.cpu_interface, registers.cpu_interface))
        return std::unexpected{"the GICv2's registers cannot be mapped"};
    return registers;
}

Result map_v3(const GicDescription& gic)
{
    arch::GicRegisters registers;
    if (!map(gic.distributor, registers.distributor))
        return std::unexpected{"the GICv3 distributor's registers cannot be mapped"};
    for (const PhysRange& range : gic.redistributors) {
        const auto mapped = mm::ioremap(range);
        if (!mapped || !registers.redistributors.push({arch::Mmio{*mapped}, range.size}))
            return std::unexpected{"a GICv3 redistributor region cannot be mapped"};
    }
    return registers;
}

} // namespace

Result map_gic_registers(const GicDescription& gic)
{
    return gic.version == GicDescription::Version::V3 ? map_v3(gic) : map_v2(gic);
}

} // namespace percival
