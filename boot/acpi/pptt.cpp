// SPDX-License-Identifier: BSD-2-Clause
#include "boot/acpi/pptt.hpp"

#include <algorithm>
#include <array>

namespace percival::boot::acpi {
namespace {

constexpr std::size_t kHeader = 36;
constexpr u8 kProcessor = 0;

// 5.2.30.1: a package, a cluster, a core or a thread.
struct Node {
    static constexpr std::size_t kLength = 20;
    TableBytes bytes;

    u32 parent() const { return bytes.word(8); } // its offset in the table
    u32 uid() const { return bytes.word(12); }
    // A CPU, by its UID, that shares a core.
    bool is_thread() const
    {
        constexpr u32 kUidIsValid = 1 << 1;
        constexpr u32 kIsThread = 1 << 2;
        return (bytes.word(4) & (kUidIsValid | kIsThread)) == (kUidIsValid | kIsThread);
    }
};

bool is_processor(TableBytes pptt, u32 offset)
{
    return offset >= kHeader && pptt.has(offset, Node::kLength) && pptt.byte(offset) == kProcessor;
}

} // namespace

void put_threads_together(TableBytes pptt, MachineDescription& machine, const Uids& uids, Notes notes)
{
    std::array<u32, kMaxCpus> cores{}; // for each CPU the offset of its core's node; 0: it is no thread
    for_each_entry(pptt, kHeader, notes, [&](const Entry& entry) {
        if (entry.type != kProcessor)
            return;
        if (entry.bytes.size() < Node::kLength)
            return notes(wrong(pptt.signature(), "processor", entry.offset, "length", "is too small",
                               entry.bytes.size()));
        const Node node{entry.bytes};
        if (!node.is_thread())
            return;
        if (!is_processor(pptt, node.parent()))
            return notes(wrong(pptt.signature(), "processor", entry.offset, "parent", "is not that of a core",
                               node.parent()));
        for (std::size_t at = 0; at < uids.size(); ++at) {
            if (uids[at] == node.uid())
                cores[at] = node.parent();
        }
    });
    std::size_t kept = 1;
    for (; kept < uids.size(); ++kept) {
        if (cores[kept - 1] == 0)
            continue;
        std::size_t next = kept;
        while (next < uids.size() && cores[next] != cores[kept - 1])
            ++next;
        if (next == uids.size())
            continue;
        std::rotate(&cores[kept], &cores[next], &cores[next] + 1);
        std::rotate(&machine.cpus[kept], &machine.cpus[next], &machine.cpus[next] + 1);
    }
}

} // namespace percival::boot::acpi
