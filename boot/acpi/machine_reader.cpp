// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/machine_reader.hpp"

#include "boot/acpi/madt.hpp"
#include "boot/acpi/pptt.hpp"
#include "boot/acpi/spcr.hpp"
#include "boot/acpi/srat.hpp"

#include <algorithm>

namespace percival::boot::acpi {
namespace {

// 5.2.9: the first FADT that speaks of Arm is that of ACPI 5.1.
Result<void> read_psci(TableBytes fadt, MachineDescription& machine)
{
    constexpr std::size_t kLength = 132;
    constexpr u32 kVersion = 0x501; // major, minor
    constexpr u16 kCompliant = 1 << 0;
    constexpr u16 kByHvc = 1 << 1;
    if (fadt.size() < kLength)
        return std::unexpected(wrong(fadt.signature(), "length", "is too small", fadt.size()));
    const u32 version = u32{fadt.byte(8)} << 8 | (fadt.byte(131) & 0xf);
    if (version < kVersion)
        return std::unexpected(wrong(fadt.signature(), "revision", "is older than ACPI 5.1", version));
    const u16 flags = fadt.half(129); // ARM_BOOT_ARCH, 5.2.9.4
    if ((flags & kCompliant) != 0)
        machine.psci = (flags & kByHvc) != 0 ? PsciConduit::Hvc : PsciConduit::Smc;
    return {};
}

// 5.2.25. Only private interrupts can be a timer's. Only a kernel at EL2 needs those of EL2.
class GtdtReader {
public:
    GtdtReader(TableBytes gtdt, MachineDescription& machine, Notes notes)
        : gtdt_{gtdt}, machine_{machine}, notes_{notes}
    {
    }

    Result<void> read()
    {
        constexpr std::size_t kLength = 80; // with all timers of a CPU but the virtual one of EL2
        constexpr std::size_t kLengthWithVhe = 104;
        constexpr u8 kRevisionWithVhe = 3;
        constexpr std::size_t kVirtual = 64;
        constexpr std::size_t kPhysicalOfEl2 = 72;
        constexpr std::size_t kVirtualOfEl2 = 96;
        if (gtdt_.size() < kLength)
            return std::unexpected(wrong(gtdt_.signature(), "length", "is too small", gtdt_.size()));
        const u32 interrupt = gtdt_.word(kVirtual);
        if (!is_private(interrupt))
            return std::unexpected(wrong(gtdt_.signature(), "virtual EL1 timer", not_private(), interrupt));
        machine_.timer.virtual_interrupt = interrupt;
        machine_.timer.hypervisor_physical_interrupt = interrupt_of_el2(kPhysicalOfEl2, "EL2 timer");
        if (gtdt_.byte(8) >= kRevisionWithVhe && gtdt_.size() >= kLengthWithVhe)
            machine_.timer.hypervisor_virtual_interrupt =
                interrupt_of_el2(kVirtualOfEl2, "virtual EL2 timer");
        return {};
    }

private:
    static std::string_view not_private() { return "its interrupt is not from 16 to 31"; }
    static bool is_private(u32 interrupt) { return interrupt >= 16 && interrupt <= 31; }

    // Returns 0 where there is none.
    u32 interrupt_of_el2(std::size_t at, std::string_view field)
    {
        const u32 interrupt = gtdt_.word(at);
        if (interrupt == 0 || is_private(interrupt))
            return interrupt;
        notes_(wrong(gtdt_.signature(), field, not_private(), interrupt));
        return 0;
    }

    TableBytes gtdt_;
    MachineDescription& machine_;
    Notes notes_;
};

class MachineReader {
public:
    MachineReader(const Tables& tables, MachineDescription& machine, Notes notes)
        : tables_{tables}, machine_{machine}, notes_{notes}
    {
    }

    Result<void> read(u64 boot_mpidr)
    {
        Uids uids;
        with_optional("SPCR", [&](TableBytes spcr) { read_spcr(spcr, machine_, notes_); });
        const auto psci = with_required("FACP", [&](TableBytes fadt) { return read_psci(fadt, machine_); });
        if (!psci)
            return psci;
        const auto cpus =
            with_required("APIC", [&](TableBytes madt) { return read_madt(madt, machine_, uids, notes_); });
        if (!cpus)
            return cpus;
        move_first(boot_mpidr, uids);
        const auto timer =
            with_required("GTDT", [&](TableBytes gtdt) { return GtdtReader{gtdt, machine_, notes_}.read(); });
        if (!timer)
            return timer;
        with_optional("SRAT", [&](TableBytes srat) { read_srat(srat, machine_, uids, notes_); });
        with_optional("PPTT", [&](TableBytes pptt) { put_threads_together(pptt, machine_, uids, notes_); });
        return {};
    }

private:
    void move_first(u64 mpidr, Uids& uids)
    {
        const std::size_t at = place_of_cpu(machine_, mpidr);
        if (at == machine_.cpus.size())
            return;
        std::rotate(machine_.cpus.begin(), machine_.cpus.begin() + at, machine_.cpus.begin() + at + 1);
        std::rotate(uids.begin(), uids.begin() + at, uids.begin() + at + 1);
    }

    // Returns the first table of that signature, an empty one if there is none.
    Result<TableBytes> find(std::string_view signature)
    {
        const Tables::Found found = tables_.find(signature);
        if (found.has_second)
            notes_(Tables::doubled(signature));
        return found.table;
    }

    template <class Read>
    Result<void> with_required(std::string_view signature, Read read_table)
    {
        const auto table = find(signature);
        if (!table)
            return std::unexpected(table.error());
        if (table->size() == 0)
            return std::unexpected(Tables::missing(signature));
        return read_table(*table);
    }

    // A damaged table is noted, and is as none.
    template <class Read>
    void with_optional(std::string_view signature, Read read_table)
    {
        const auto table = find(signature);
        if (!table)
            notes_(table.error());
        else if (table->size() != 0)
            read_table(*table);
    }

    const Tables& tables_;
    MachineDescription& machine_;
    Notes notes_;
};

} // namespace

Result<void> read_machine(const Tables& tables, MachineDescription& machine, u64 boot_mpidr, Notes notes)
{
    return MachineReader{tables, machine, notes}.read(boot_mpidr);
}

} // namespace percival::boot::acpi
