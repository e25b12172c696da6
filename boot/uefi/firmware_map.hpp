// SPDX-License-Identifier: BSD-2-Clause
// The firmware's memory map as its boot services give it (UEFI 2.10, 7.2.3). Until boot services end.
#pragma once

#include "boot/uefi/firmware.hpp"

#include <cstddef>
#include <expected>
#include <span>

namespace percival::boot::uefi {

struct FirmwareMap {
    u64 size;
    u64 key;
    u64 entry_size; // the distance of two entries, in bytes

    std::span<const std::byte> in(const Pages& room) const
    {
        return {pointer_to<const std::byte>(room.base()), static_cast<std::size_t>(size)};
    }
};

// Reads the map into `room`.
inline std::expected<FirmwareMap, Status> read_map(const Firmware& firmware, const Pages& room)
{
    FirmwareMap map{room.size().count(), 0, 0};
    u32 version = 0;
    const Status status = firmware.services().get_memory_map(&map.size, pointer_to<void>(room.base()),
                                                             &map.key, &map.entry_size, &version);
    if (status != kSuccess)
        return std::unexpected(status);
    return map;
}

// Allocates memory for the map, with room for what this and later calls add. Returns false if there is none.
inline bool allocate_map(const Firmware& firmware, Pages& room)
{
    // What a map may grow by, because memory for it is allocated, or because the firmware does something.
    constexpr u64 kSpareEntries = 16;
    FirmwareMap map{};
    u32 version = 0;
    const Status status =
        firmware.services().get_memory_map(&map.size, nullptr, &map.key, &map.entry_size, &version);
    return status == kBufferTooSmall && room.allocate(Bytes{map.size + kSpareEntries * map.entry_size});
}

} // namespace percival::boot::uefi
