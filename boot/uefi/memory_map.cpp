// SPDX-License-Identifier: BSD-2-Clause
// Runs at the address to which the firmware loaded the image (boot/uefi/stub.cpp).
#include "boot/uefi/memory_map.hpp"

#include "boot/uefi/firmware_tables.hpp"

#include <cstring>

namespace percival::boot::uefi {
namespace {

bool is_usable(const MemoryDescriptor& entry)
{
    // No switch, which could become a table of addresses.
    const bool is_free = entry.type == kConventionalMemory || entry.type == kLoaderCode ||
                         entry.type == kLoaderData || entry.type == kBootServicesCode ||
                         entry.type == kBootServicesData;
    return is_free && (entry.attributes & kWriteBack) != 0;
}

// Calls visit(MemoryDescriptor, PhysRange) for each entry, until it returns false.
template <class Visit>
void for_each_entry(std::span<const std::byte> map, std::size_t entry_size, Visit visit)
{
    if (entry_size < sizeof(MemoryDescriptor))
        return;
    for (; map.size() >= entry_size; map = map.subspan(entry_size)) {
        MemoryDescriptor entry;
        std::memcpy(&entry, map.data(), sizeof(entry));
        constexpr u64 kMaxPages = ~u64{0} / kFirmwarePage;
        const Bytes size{(entry.pages < kMaxPages ? entry.pages : kMaxPages) * kFirmwarePage};
        if (!visit(entry, PhysRange{PhysAddr{entry.physical_start}, size}))
            return;
    }
}

bool has_contents(const MemoryDescriptor& entry)
{
    return entry.type != kUnusableMemory && entry.type != kMemoryMappedIo &&
           entry.type != kMemoryMappedIoPortSpace && entry.type != kUnacceptedMemory;
}

} // namespace

void add_usable_memory(std::span<const std::byte> map, std::size_t entry_size, FirmwareMemory& memory)
{
    for_each_entry(map, entry_size, [&memory](const MemoryDescriptor& entry, PhysRange range) {
        if (is_usable(entry))
            memory.add(range);
        return true;
    });
}

bool is_readable(std::span<const std::byte> map, std::size_t entry_size, PhysRange range)
{
    // The entries are in no order, and each of those that are found holds a part of the range.
    while (!range.is_empty()) {
        Bytes found{0};
        for_each_entry(map, entry_size, [&](const MemoryDescriptor& entry, PhysRange memory) {
            const Bytes before = range.base - memory.base; // wraps to a large number if it begins later
            if (has_contents(entry) && before < memory.size)
                found = memory.size - before;
            return found == Bytes{0};
        });
        if (found == Bytes{0})
            return false;
        if (found >= range.size)
            return true;
        range = {range.base + found, range.size - found};
    }
    return true;
}

} // namespace percival::boot::uefi
