// SPDX-License-Identifier: BSD-2-Clause
#include "arch/power.hpp"

#include "arch/barrier.hpp"
#include "arch/mmio.hpp"
#include "arch/processor.hpp"
#include "mm/vmap.hpp"
#include "parking.hpp"
#include "psci.hpp"

namespace percival::arch {
namespace {

constinit Psci psci;
constinit bool psci_usable{false};

// The CPU spins in firmware code with its MMU off and reads the release address from memory, past all caches.
// So the entry is written through a device mapping, which goes past them too. What is left of the address in
// a cache is written back and dropped first: if it is dirty it would later overwrite the entry (Arm ARM,
// "Mismatched memory attributes").
std::expected<void, std::string_view> release_from_spin_table(PhysAddr release_address, PhysAddr entry)
{
    if (!release_address.is_aligned(Bytes{sizeof(u64)}))
        return std::unexpected{"spin table: the CPU's release address is not a multiple of 8"};
    const auto mapped = mm::ioremap({release_address, Bytes{sizeof(u64)}});
    if (!mapped)
        return std::unexpected{"spin table: the CPU's release address cannot be mapped"};
    asm volatile("dc civac, %0" : : "r"(mapped->raw()) : "memory");
    dsb<Shareability::FullSystem>(); // write-back before the store
    Mmio{*mapped}.write64(0, entry.raw());
    dsb<Shareability::FullSystem>(); // the store before the event that makes the CPU look
    send_event();
    mm::iounmap(*mapped);
    return {};
}

} // namespace

void power_init(PsciConduit conduit)
{
    psci = Psci{conduit};
    psci_usable = psci.is_usable();
}

std::expected<void, std::string_view> start_cpu(CpuId id, const CpuDescription& cpu, PhysAddr entry)
{
    if (parking::is_parked(id)) {
        parking::release(id, entry);
        return {};
    }
    if (cpu.start == CpuStart::SpinTable)
        return release_from_spin_table(cpu.release_address, entry);
    if (!psci_usable)
        return std::unexpected{"the firmware has no PSCI of version 0.2 or later"};
    return psci.cpu_on(cpu.mpidr, entry, 0);
}

bool can_turn_off(const CpuDescription& cpu)
{
    return psci_usable || cpu.start != CpuStart::Psci;
}

void turn_off_this_cpu(const CpuDescription& cpu)
{
    if (cpu.start != CpuStart::Psci)
        parking::park_this_cpu();
    psci.cpu_off();
    stop(); // the firmware refused: it does nothing any more all the same
}

bool is_off(CpuId id, const CpuDescription& cpu)
{
    return cpu.start == CpuStart::Psci ? psci.is_off(cpu.mpidr) : parking::is_parked(id);
}

void power_off()
{
    if (psci_usable)
        psci.system_off();
}

} // namespace percival::arch
