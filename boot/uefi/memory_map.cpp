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

} // namespace

void add_usable_memory(std::span<const std::byte> map, std::size_t entry_size, FirmwareMemory& memory)
{
    if (entry_size < sizeof(MemoryDescriptor))
        return;
    for (; map.size() >= entry_size; map = map.subspan(entry_size)) {
        MemoryDescriptor entry;
        std::memcpy(&entry, map.data(), sizeof(entry));
        constexpr u64 kMaxPages = ~u64{0} / kFirmwarePage;
        if (is_usable(entry))
            memory.add({PhysAddr{entry.physical_start},
                        Bytes{(entry.pages < kMaxPages ? entry.pages : kMaxPages) * kFirmwarePage}});
    }
}

} // namespace percival::boot::uefi
