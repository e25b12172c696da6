// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/pci/host.hpp"

#include <bit>

namespace percival {
namespace {

// The low bits of a BAR (PCI Local Bus Specification 3.0, 6.2.5.1).
constexpr u32 kIsPorts = 1;
constexpr u32 kWidth = 3 << 1;
constexpr u32 kWidth32 = 0 << 1;
constexpr u32 kWidth64 = 2 << 1;
constexpr u64 kKindOfMemory = 0xf; // all low bits

} // namespace

PhysRange PciHost::Rest::take(Bytes wanted, u64& bus_address)
{
    const Bytes skipped = Bytes{bus}.align_up(wanted) - Bytes{bus};
    if (skipped > size || wanted > size - skipped)
        return {};
    bus_address = bus + skipped.count();
    const PhysRange range{cpu + skipped, wanted};
    bus = bus_address + wanted.count();
    cpu = range.end();
    size = size - skipped - wanted;
    return range;
}

PciHost::PciHost(const PciHostDescription& description, arch::Mmio bus)
    : bus_{bus}, low_{description.low.bus_base, description.low.range.size, description.low.range.base},
      high_{description.high.bus_base, description.high.range.size, description.high.range.base}
{
}

void PciHost::take_over() const
{
    // INV-pci_host-1
    for_each_function([](const PciFunction& function) {
        if (!function.is_host_bridge())
            function.stop();
    });
}

// Finds the size: of what is written to a BAR, it keeps the bits above its size.
std::expected<PciHost::Bar, std::string_view> PciHost::measure(const PciFunction& function, u32 at)
{
    function.set_bar(at, ~u32{0});
    const u32 low = function.bar(at);
    if (low == 0 || (low & kIsPorts) != 0)
        return Bar{};
    const bool is_wide = (low & kWidth) == kWidth64;
    if (!is_wide && (low & kWidth) != kWidth32)
        return std::unexpected("has a BAR of an unknown width");
    u64 kept = low & ~kKindOfMemory;
    u64 all = ~u32{0} & ~kKindOfMemory;
    if (is_wide) {
        if (at + 1 == kPciBars)
            return std::unexpected("has half of a BAR of 64 bits");
        function.set_bar(at + 1, ~u32{0});
        kept |= u64{function.bar(at + 1)} << 32;
        all |= u64{~u32{0}} << 32;
    }
    if (kept == 0)
        return std::unexpected("has a BAR without a size");
    const u64 size = u64{1} << std::countr_zero(kept);
    if (kept != (all & ~(size - 1)))
        return std::unexpected("has a BAR whose size is no power of two");
    return Bar{Bytes{size}, is_wide};
}

// The low window serves every BAR, and every CPU reaches it.
PhysRange PciHost::take(const Bar& bar, u64& bus_address)
{
    const PhysRange range = low_.take(bar.size, bus_address);
    return range.is_empty() && bar.is_wide ? high_.take(bar.size, bus_address) : range;
}

std::expected<PciBars, std::string_view> PciHost::start(const PciFunction& function)
{
    if (!function.is_device())
        return std::unexpected("is not a device");
    PciBars bars{};
    for (u32 at = 0; at < kPciBars; ++at) {
        const auto bar = measure(function, at);
        if (!bar)
            return std::unexpected(bar.error());
        if (bar->size == Bytes{0})
            continue;
        u64 bus_address = 0;
        bars[at] = take(*bar, bus_address);
        if (bars[at].is_empty())
            return std::unexpected("has a BAR for which the windows have no room");
        function.set_bar(at, static_cast<u32>(bus_address));
        if (bar->is_wide)
            function.set_bar(++at, static_cast<u32>(bus_address >> 32));
    }
    function.start(); // INV-pci_host-1: all its BARs are set
    return bars;
}

} // namespace percival
