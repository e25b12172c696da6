// SPDX-License-Identifier: BSD-2-Clause
#include "arch/devices/power.hpp"

#include "arch/arm64/devices/parking.hpp"
#include "arch/arm64/devices/psci.hpp"
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/cache.hpp"
#include "arch/cpu/processor.hpp"
#include "linker/ro_after_init.hpp"
#include "mm/percpu/area.hpp"

namespace percival::arch {
namespace {

PERCIVAL_RO_AFTER_INIT constinit Psci psci;
PERCIVAL_RO_AFTER_INIT constinit bool psci_usable{false};
// Affinity of the CPU on which the firmware denies CPU_OFF, because a Trusted OS lives there.
PERCIVAL_RO_AFTER_INIT constinit std::optional<u64> kept_on{};

const CpuDescription& described(CpuId cpu)
{
    return this_machine().cpus[cpu.index()];
}

// Returns whether `cpu` is parked when it goes offline. The firmware takes back only CPUs that it started by
// PSCI, and of these not the one with a Trusted OS; it tells only from version 0.2 on when a CPU is off.
bool is_to_be_parked(CpuId cpu)
{
    return described(cpu).start != CpuStart::Psci || psci.is_v01() || described(cpu).mpidr == kept_on;
}

} // namespace

bool power_init(PsciConduit conduit, u32 v01_cpu_on)
{
    psci = Psci{conduit, v01_cpu_on};
    psci_usable = psci.is_usable();
    if (psci_usable && !psci.is_v01())
        kept_on = psci.trusted_os_cpu();
    return psci_usable;
}

std::optional<PhysAddr> spin_table_release_address(CpuId cpu)
{
    const CpuDescription& description = described(cpu);
    if (description.start != CpuStart::SpinTable || parking::is_parked(cpu))
        return {};
    return description.release_address;
}

// The CPU spins in firmware code with its MMU off and reads the release address from memory, bypassing all
// caches. So this function writes the entry through a device mapping, which bypasses them too. A cache may
// still hold the line of the release address. The function first writes that line back and drops it: a dirty
// line would later overwrite the entry (Arm ARM, "Mismatched memory attributes").
void release_from_spin_table(Mmio release_address, PhysAddr entry)
{
    clean_and_invalidate_to_memory({release_address.base(), Bytes{sizeof(u64)}});
    release_address.write64(0, entry.raw());
    dsb<Shareability::FullSystem>(); // completes the store before the event that wakes the CPU
    send_event();
}

std::optional<PhysAddr> firmware_mailbox(CpuId cpu)
{
    const CpuDescription& description = described(cpu);
    if (description.start != CpuStart::Parking || parking::is_parked(cpu))
        return {};
    return description.release_address;
}

// The firmware's code of a parked CPU waits for an interrupt, and continues at the jump address if the
// mailbox has the CPU's own number. That code reads past all caches, as a spin table does.
std::expected<void, std::string_view> write_to_mailbox(CpuId cpu, Mmio mailbox, PhysAddr entry)
{
    constexpr u32 kNumber = 0;
    constexpr u32 kJumpAddress = 8;
    constexpr u32 kNobody = 0xffff'ffff; // what the firmware writes when the CPU has begun to wait
    clean_and_invalidate_to_memory({mailbox.base(), Bytes{kJumpAddress + sizeof(u64)}});
    if (mailbox.read32(kNumber) != kNobody)
        return std::unexpected{"parking protocol: the firmware has not set up the CPU's mailbox"};
    mailbox.write64(kJumpAddress, entry.raw());
    dsb<Shareability::FullSystem>(); // whoever reads its number finds the jump address
    mailbox.write32(kNumber, described(cpu).parking_id);
    dsb<Shareability::FullSystem>(); // completes the store before the interrupt that wakes the CPU
    return {};
}

std::expected<void, std::string_view> start_cpu(CpuId cpu, PhysAddr entry)
{
    // Completes the caller's stores, and those of other CPUs that it has seen, before the CPU starts. The
    // latter sees them once its MMU is on.
    dsb<Shareability::FullSystem>();
    if (parking::is_parked(cpu)) {
        parking::release(cpu, entry);
        return {};
    }
    if (described(cpu).start == CpuStart::None)
        return std::unexpected{"the firmware names no way to start it"};
    if (!psci_usable)
        return std::unexpected{"the firmware has no PSCI of version 0.2 or later"};
    return psci.cpu_on(described(cpu).mpidr, entry, 0);
}

bool can_turn_off(CpuId cpu)
{
    return is_to_be_parked(cpu) ? parking::is_possible() : psci_usable;
}

void turn_off_this_cpu()
{
    mask_all_exceptions(); // a parked CPU has no vectors, and the firmware expects nothing to be taken
    if (!is_to_be_parked(this_cpu_id()))
        psci.cpu_off();
    // The firmware may have refused for a reason that it did not announce. This CPU is parked then, too.
    if (parking::is_possible())
        parking::park_this_cpu();
    stop();
}

bool is_off(CpuId cpu)
{
    return parking::is_parked(cpu) || (!is_to_be_parked(cpu) && psci.is_off(described(cpu).mpidr));
}

void power_off()
{
    if (psci_usable && !psci.is_v01())
        psci.system_off();
}

void reset_by_firmware()
{
    if (psci_usable && !psci.is_v01())
        psci.system_reset();
}

} // namespace percival::arch
