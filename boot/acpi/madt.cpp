// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/madt.hpp"

#include <algorithm>

namespace percival::boot::acpi {
namespace {

constexpr std::size_t kHeader = 44;
constexpr u8 kGicc = 0xb;
constexpr u8 kGicd = 0xc;
constexpr u8 kGicr = 0xe;

constexpr Bytes kPage = 4_KiB;
constexpr Bytes kFrame = 64_KiB;
constexpr u8 kVersion3 = 3;
constexpr u8 kVersion4 = 4; // two more frames for each redistributor

// 5.2.12.14
struct Gicc {
    static constexpr std::size_t kLength = 76; // that of ACPI 5.1, which has the MPIDR
    TableBytes bytes;

    u32 interface() const { return bytes.word(4); }
    u32 uid() const { return bytes.word(8); }
    bool is_enabled() const { return (bytes.word(12) & 1) != 0; }
    bool may_come_later() const { return (bytes.word(12) & 8) != 0; }
    u32 parking_version() const { return bytes.word(16); }
    u64 mailbox() const { return bytes.dword(24); }
    u64 cpu_interface() const { return bytes.dword(32); }
    u64 redistributor() const { return bytes.dword(60); }
    u64 mpidr() const { return bytes.dword(68); }
};

class MadtReader {
public:
    MadtReader(TableBytes madt, MachineDescription& machine, Uids& uids, Notes notes)
        : madt_{madt}, machine_{machine}, uids_{uids}, notes_{notes}
    {
    }

    Result<void> read()
    {
        constexpr u8 kRevision = 3;
        if (madt_.byte(8) < kRevision)
            notes_(wrong(madt_.signature(), "revision", "is older than ACPI 5.1; it is read all the same",
                         madt_.byte(8)));
        // The controller first: its version says how large the redistributors are.
        for_each_entry(madt_, kHeader, notes_, [this](const Entry& entry) {
            if (entry.type == kGicd)
                read_distributor(entry.bytes);
        });
        for_each_entry(madt_, kHeader, {[](void*, const Error&) {}, nullptr}, [this](const Entry& entry) {
            if (entry.type == kGicc)
                read_cpu(Gicc{entry.bytes});
            else if (entry.type == kGicr)
                read_redistributors(entry.bytes);
        });
        if (come_later_ != 0)
            notes_(wrong(madt_.signature(), "GICC", {}, "flags",
                         "CPUs may come later, which only AML would tell: they are left out", come_later_));
        if (machine_.cpus.empty())
            return std::unexpected(wrong(madt_.signature(), "GICC", {}, "", "there is no enabled CPU"));
        return check_controller();
    }

private:
    using Regions = decltype(InterruptControllerDescription::redistributors);

    void read_cpu(Gicc cpu)
    {
        if (cpu.bytes.size() < Gicc::kLength)
            return notes_(wrong(madt_.signature(), "GICC", {}, "length", "is too small", cpu.bytes.size()));
        if (!cpu.is_enabled()) {
            come_later_ += cpu.may_come_later() ? 1 : 0;
            return;
        }
        if (machine_.cpus.size() == kMaxCpus) {
            ++machine_.cpus_left_out;
            return;
        }
        const u64 mpidr = cpu.mpidr();
        if ((mpidr & ~kMpidrAffinity) != 0)
            return notes_(
                wrong(madt_.signature(), "GICC", cpu.uid(), "MPIDR", "has bits beside the affinity", mpidr));
        if (std::ranges::any_of(machine_.cpus.span(),
                                [mpidr](const CpuDescription& other) { return other.mpidr == mpidr; }))
            return notes_(
                wrong(madt_.signature(), "GICC", cpu.uid(), "MPIDR", "another CPU has the same", mpidr));
        if (std::ranges::find(uids_, cpu.uid()) != uids_.end())
            notes_(wrong(madt_.signature(), "GICC", cpu.uid(), "processor UID",
                         "another CPU has the same, so both are on the same node", cpu.uid()));
        CpuDescription description;
        description.mpidr = mpidr;
        description.start = CpuStart::Psci;
        if (machine_.psci == PsciConduit::None)
            read_parking(cpu, description);
        static_cast<void>(machine_.cpus.push(description)); // has room: checked above
        static_cast<void>(uids_.push(cpu.uid()));
        if (cpu_interface_ == 0)
            cpu_interface_ = cpu.cpu_interface();
        else if (cpu.cpu_interface() != cpu_interface_)
            notes_(wrong(madt_.signature(), "GICC", cpu.uid(), "address",
                         "is not that of the first CPU, which is used", cpu.cpu_interface()));
        if (cpu.redistributor() != 0)
            add_redistributors(cpu.redistributor(), frames(), of_cpus_);
    }

    // The parking protocol for Arm platforms, version 1: a mailbox of a page for each CPU, which the firmware
    // has set up (arch/devices/power.hpp).
    void read_parking(Gicc cpu, CpuDescription& description)
    {
        constexpr u32 kVersion = 1;
        description.start = CpuStart::None;
        if (cpu.parking_version() == 0)
            return;
        if (cpu.parking_version() != kVersion)
            return notes_(wrong(madt_.signature(), "GICC", cpu.uid(), "parking protocol",
                                "its version is not 1", cpu.parking_version()));
        const PhysRange mailbox{PhysAddr{cpu.mailbox()}, kParkingMailbox};
        if (!is_possible(mailbox) || !mailbox.base.is_aligned(mailbox.size))
            return notes_(wrong(madt_.signature(), "GICC", cpu.uid(), "parked address",
                                "is not that of a mailbox", cpu.mailbox()));
        if (!reserve(mailbox))
            return notes_(wrong(madt_.signature(), "GICC", cpu.uid(), "parked address",
                                "there are more mailboxes than this kernel reserves memory for",
                                cpu.mailbox()));
        description.start = CpuStart::Parking;
        description.release_address = mailbox.base;
        description.parking_id = cpu.interface();
    }

    // Mailboxes are mapped as device memory only. Most follow the one before.
    bool reserve(PhysRange mailbox)
    {
        auto& reserved = machine_.reserved;
        if (!reserved.empty() && reserved[reserved.size() - 1].range.end() == mailbox.base) {
            reserved[reserved.size() - 1].range.size += mailbox.size;
            return true;
        }
        return reserved.push({mailbox, true});
    }

    // 5.2.12.15
    void read_distributor(TableBytes bytes)
    {
        constexpr std::size_t kLength = 24;
        if (bytes.size() < kLength)
            return notes_(wrong(madt_.signature(), "GICD", {}, "length", "is too small", bytes.size()));
        if (has_distributor_)
            return notes_(
                wrong(madt_.signature(), "GICD", {}, "", "there is a second one, which is not used"));
        has_distributor_ = true;
        distributor_ = PhysAddr{bytes.dword(8)};
        version_ = bytes.byte(20);
    }

    // 5.2.12.17
    void read_redistributors(TableBytes bytes)
    {
        constexpr std::size_t kLength = 16;
        if (bytes.size() < kLength)
            return notes_(wrong(madt_.signature(), "GICR", {}, "length", "is too small", bytes.size()));
        has_gicr_ = true;
        add_redistributors(bytes.dword(4), Bytes{bytes.word(12)}, regions_);
    }

    // Adds frames to the region before them if they follow it.
    void add_redistributors(u64 base, Bytes size, Regions& regions)
    {
        const PhysRange added{PhysAddr{base}, size};
        if (!is_possible(added) || !added.base.is_aligned(kFrame) || size < kFrame * 2)
            return notes_(wrong(madt_.signature(), "GICR", {}, "address",
                                "or length is not possible; it is not used", base));
        if (std::ranges::any_of(regions, [added](PhysRange other) { return other.overlaps(added); }))
            return notes_(wrong(madt_.signature(), "GICR", {}, "address",
                                "overlaps another region; it is not used", base));
        if (!regions.empty() && regions[regions.size() - 1].end() == added.base)
            regions[regions.size() - 1].size += size;
        else if (!regions.push(added))
            notes_(wrong(madt_.signature(), "GICR", {}, "", "there are more regions than 32; one is not used",
                         base));
    }

    // The size of the redistributor of one CPU.
    Bytes frames() const { return kFrame * (version_ == kVersion4 ? 4 : 2); }

    // Version 0 leaves the version to discovery.
    Result<void> check_controller()
    {
        auto& gic = machine_.interrupt_controller;
        if (!has_distributor_)
            return std::unexpected(wrong(madt_.signature(), "GICD", {}, "", "is missing"));
        if (version_ > kVersion4)
            return std::unexpected(wrong(madt_.signature(), "GICD", {}, "version",
                                         "is no GIC that this kernel drives", version_));
        const Regions& redistributors = has_gicr_ ? regions_ : of_cpus_;
        const bool is_v3 = version_ == 0 ? !redistributors.empty() : version_ >= kVersion3;
        gic.kind = is_v3 ? InterruptControllerKind::GicV3 : InterruptControllerKind::GicV2;
        gic.distributor = {distributor_, is_v3 ? kFrame : kPage};
        if (!is_possible(gic.distributor) || !gic.distributor.base.is_aligned(gic.distributor.size))
            return std::unexpected(
                wrong(madt_.signature(), "GICD", {}, "address", "is not possible", distributor_.raw()));
        if (is_v3) {
            if (redistributors.empty())
                return std::unexpected(wrong(madt_.signature(), "GICR", {}, "", "there is no redistributor"));
            gic.redistributors = redistributors;
            return {};
        }
        gic.cpu_interface = {PhysAddr{cpu_interface_}, kPage * 2};
        if (!is_possible(gic.cpu_interface) || !gic.cpu_interface.base.is_aligned(kPage))
            return std::unexpected(
                wrong(madt_.signature(), "GICC", {}, "address", "is not possible", cpu_interface_));
        return {};
    }

    TableBytes madt_;
    MachineDescription& machine_;
    Uids& uids_;
    Notes notes_;
    PhysAddr distributor_{};
    u64 cpu_interface_{0};
    u32 come_later_{0};
    u8 version_{0};
    bool has_distributor_{false};
    bool has_gicr_{false};
    Regions regions_{};
    Regions of_cpus_{};
};

} // namespace

Result<void> read_madt(TableBytes madt, MachineDescription& machine, Uids& uids, Notes notes)
{
    return MadtReader{madt, machine, uids, notes}.read();
}

} // namespace percival::boot::acpi
