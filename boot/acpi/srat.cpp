// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/srat.hpp"

#include <algorithm>

namespace percival::boot::acpi {
namespace {

class SratReader {
public:
    SratReader(TableBytes srat, MachineDescription& machine, const Uids& uids, Notes notes)
        : srat_{srat}, machine_{machine}, uids_{uids}, notes_{notes}
    {
    }

    void read()
    {
        constexpr std::size_t kHeader = 48;
        constexpr u8 kRevision = 2; // the first with proximity domains of four bytes
        constexpr u8 kMemory = 1;
        constexpr u8 kGiccAffinity = 3;
        if (srat_.byte(8) < kRevision)
            return notes_(wrong(srat_.signature(), "revision", "is older than ACPI 3.0, so all is on node 0",
                                srat_.byte(8)));
        for_each_entry(srat_, kHeader, notes_, [this](const Entry& entry) {
            if (entry.type == kMemory)
                read_memory(entry.bytes);
            else if (entry.type == kGiccAffinity)
                read_cpu(entry.bytes);
        });
    }

private:
    u32 node(u32 domain)
    {
        if (domain < kMaxNumaNodes)
            return domain;
        notes_(
            wrong(srat_.signature(), "proximity domain", "is too large, so node 0 is used instead", domain));
        return 0;
    }

    // 5.2.16.2
    void read_memory(TableBytes bytes)
    {
        constexpr std::size_t kLength = 40;
        if (bytes.size() < kLength)
            return notes_(wrong(srat_.signature(), "memory", {}, "length", "is too small", bytes.size()));
        if ((bytes.word(28) & 1) == 0)
            return;
        const PhysRange range{PhysAddr{bytes.dword(8)}, Bytes{bytes.dword(16)}};
        if (!is_addressable(range))
            return notes_(wrong(srat_.signature(), "memory", {}, "base", "or length is not possible",
                                range.base.raw()));
        const u32 on = node(bytes.word(2));
        if (std::ranges::any_of(machine_.memory,
                                [range](const MemoryBank& other) { return other.range.overlaps(range); }))
            return notes_(wrong(srat_.signature(), "memory", {}, "base",
                                "overlaps another range; it is not used", range.base.raw()));
        if (!machine_.memory.push({range, on}))
            notes_(wrong(srat_.signature(), "memory", {}, "", "there are more ranges than 64; its node is 0",
                         range.base.raw()));
    }

    // 5.2.16.4
    void read_cpu(TableBytes bytes)
    {
        constexpr std::size_t kLength = 18;
        if (bytes.size() < kLength)
            return notes_(wrong(srat_.signature(), "GICC", {}, "length", "is too small", bytes.size()));
        if ((bytes.word(10) & 1) == 0)
            return;
        const u32 uid = bytes.word(6);
        const u32 on = node(bytes.word(2));
        for (std::size_t at = 0; at < uids_.size(); ++at) {
            if (uids_[at] != uid)
                continue;
            if (has_node_[at] && machine_.cpus[at].numa_node != on)
                notes_(wrong(srat_.signature(), "GICC", uid, "proximity domain",
                             "is a second one, which is not used", on));
            else
                machine_.cpus[at].numa_node = on;
            has_node_[at] = true;
        }
    }

    TableBytes srat_;
    MachineDescription& machine_;
    const Uids& uids_;
    Notes notes_;
    std::array<bool, kMaxCpus> has_node_{};
};

} // namespace

void read_srat(TableBytes srat, MachineDescription& machine, const Uids& uids, Notes notes)
{
    SratReader{srat, machine, uids, notes}.read();
}

} // namespace percival::boot::acpi
