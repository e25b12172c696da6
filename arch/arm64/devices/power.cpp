// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/power.hpp"

#include "arch/arm64/devices/parking.hpp"
#include "arch/arm64/devices/psci.hpp"
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/processor.hpp"
#include "mm/percpu/area.hpp"

namespace percival::arch {
namespace {

constinit Psci psci;
constinit bool psci_usable{false};

const CpuDescription& described(CpuId cpu)
{
    return this_machine().cpus[cpu.index()];
}

// The firmware takes no CPU back that it did not start by PSCI.
bool is_to_be_parked(CpuId cpu)
{
    return described(cpu).start != CpuStart::Psci;
}

} // namespace

void power_init(PsciConduit conduit)
{
    psci = Psci{conduit};
    psci_usable = psci.is_usable();
}

std::optional<PhysAddr> spin_table_release_address(CpuId cpu)
{
    const CpuDescription& description = described(cpu);
    if (description.start != CpuStart::SpinTable || parking::is_parked(cpu))
        return {};
    return description.release_address;
}

// The CPU spins in firmware code with its MMU off and reads the release address from memory, past all caches.
// So the entry is written through a device mapping, which goes past them too. What is left of the address in
// a cache is written back and dropped first: if it is dirty it would later overwrite the entry (Arm ARM,
// "Mismatched memory attributes").
void release_from_spin_table(Mmio release_address, PhysAddr entry)
{
    asm volatile("dc civac, %0" : : "r"(release_address.base().raw()) : "memory");
    dsb<Shareability::FullSystem>(); // write-back before the store
    release_address.write64(0, entry.raw());
    dsb<Shareability::FullSystem>(); // the store before the event that makes the CPU look
    send_event();
}

std::expected<void, std::string_view> start_cpu(CpuId cpu, PhysAddr entry)
{
    if (parking::is_parked(cpu)) {
        parking::release(cpu, entry);
        return {};
    }
    if (!psci_usable)
        return std::unexpected{"the firmware has no PSCI of version 0.2 or later"};
    return psci.cpu_on(described(cpu).mpidr, entry, 0);
}

bool can_turn_off(CpuId cpu)
{
    return psci_usable || is_to_be_parked(cpu);
}

void turn_off_this_cpu()
{
    if (is_to_be_parked(this_cpu_id()))
        parking::park_this_cpu();
    psci.cpu_off();
    stop(); // the firmware refused: it does nothing any more all the same
}

bool is_off(CpuId cpu)
{
    return is_to_be_parked(cpu) ? parking::is_parked(cpu) : psci.is_off(described(cpu).mpidr);
}

void power_off()
{
    if (psci_usable)
        psci.system_off();
}

} // namespace percival::arch
