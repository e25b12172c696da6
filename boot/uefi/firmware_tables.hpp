// SPDX-License-Identifier: BSD-2-Clause
// The part of UEFI's interface that the stub uses (UEFI Specification 2.10). Services that the stub does not
// call are spans of unused words, so that those behind them are where the firmware has them.
//
// A service may be called while boot services run, from the one CPU that the firmware runs on. Functions of
// the firmware have the calling convention of the procedure call standard (2.3.6), and leave X18 alone.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <cstddef>

namespace percival::boot::uefi {

// 2.3.1: UINTN. Errors have the highest bit set (appendix D).
using Status = u64;

inline constexpr Status kError = u64{1} << 63;
inline constexpr Status kSuccess = 0;
inline constexpr Status kLoadError = kError | 1;
inline constexpr Status kInvalidParameter = kError | 2;
inline constexpr Status kBufferTooSmall = kError | 5;

// An opaque pointer that names a thing of the firmware.
using Handle = void*;
using Unused = const void*;

struct Guid {
    u32 low;
    u16 mid;
    u16 high;
    std::array<u8, 8> rest;
    friend bool operator==(const Guid&, const Guid&) = default;
};

// 4.2.1
struct TableHeader {
    u64 signature;
    u32 revision;
    u32 size;
    u32 crc;
    u32 reserved;
};

// 12.4: writes text with a zero at its end.
struct TextOutput {
    Unused reset;
    Status (*output_string)(TextOutput* self, const char16_t* text);
};

// 7.2.3: a run of pages of 4 KiB with one use. The firmware's entries may be longer than this one.
struct MemoryDescriptor {
    u32 type;
    u64 physical_start;
    u64 virtual_start;
    u64 pages;
    u64 attributes;
};

// 7.2.1
enum class AllocateType : u32 { AnyPages = 0 };
inline constexpr u32 kLoaderCode = 1;
inline constexpr u32 kLoaderData = 2;
inline constexpr u32 kBootServicesCode = 3;
inline constexpr u32 kBootServicesData = 4;
inline constexpr u32 kConventionalMemory = 7;
inline constexpr u32 kUnusableMemory = 8; // with errors
inline constexpr u32 kAcpiReclaimMemory = 9;
inline constexpr u32 kMemoryMappedIo = 11;
inline constexpr u32 kMemoryMappedIoPortSpace = 12;
inline constexpr u32 kUnacceptedMemory = 15;
inline constexpr u64 kWriteBack = 8; // an attribute: the memory may be cached

inline constexpr u64 kFirmwarePage = 4096;

// 4.4
struct BootServices {
    TableHeader header;
    std::array<Unused, 2> priority;
    Status (*allocate_pages)(AllocateType type, u32 memory_type, u64 pages, u64* address);
    Status (*free_pages)(u64 address, u64 pages);
    Status (*get_memory_map)(u64* size, void* map, u64* key, u64* entry_size, u32* version);
    Status (*allocate_pool)(u32 memory_type, u64 size, void** buffer);
    Status (*free_pool)(void* buffer);
    std::array<Unused, 6> events;
    std::array<Unused, 3> installation;
    Status (*handle_protocol)(Handle handle, const Guid* protocol, void** interface);
    std::array<Unused, 9> images_and_handles;
    Status (*exit_boot_services)(Handle image, u64 map_key);
    std::array<Unused, 10> miscellaneous_and_protocols;
    Status (*locate_protocol)(const Guid* protocol, void* registration, void** interface);
};
static_assert(offsetof(BootServices, allocate_pages) == 40);
static_assert(offsetof(BootServices, handle_protocol) == 152);
static_assert(offsetof(BootServices, exit_boot_services) == 232);
static_assert(offsetof(BootServices, locate_protocol) == 320);

// 4.6
struct ConfigurationTable {
    Guid vendor;
    const void* table;
};

// 4.3
struct SystemTable {
    static constexpr u64 kSignature = 0x5453'5953'2049'4249; // "IBI SYST"
    TableHeader header;
    const char16_t* firmware_vendor;
    u32 firmware_revision;
    Handle console_in_handle;
    Unused console_in;
    Handle console_out_handle;
    TextOutput* console_out;
    Handle standard_error_handle;
    TextOutput* standard_error;
    Unused runtime_services;
    BootServices* boot_services;
    u64 configuration_tables;
    const ConfigurationTable* configuration;
};
static_assert(offsetof(SystemTable, console_out) == 64);
static_assert(offsetof(SystemTable, boot_services) == 96);
static_assert(offsetof(SystemTable, configuration) == 112);

// 9.1: what the firmware knows of an image that it has loaded.
struct LoadedImage {
    u32 revision;
    Handle parent;
    SystemTable* system_table;
    Handle device;
    Unused file_path;
    Unused reserved;
    u32 load_options_size; // bytes
    const void* load_options;
};
static_assert(offsetof(LoadedImage, load_options_size) == 48);

// 37.5
struct RandomNumbers {
    Unused get_info;
    Status (*get_rng)(RandomNumbers* self, const Guid* algorithm, u64 size, u8* value);
};

// Functions instead of constants, because code that runs at any address has no pointers to static data.
inline Guid loaded_image_protocol()
{
    return {0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
}
inline Guid random_number_protocol()
{
    return {0x3152bca5, 0xeade, 0x433d, {0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44}};
}
// The table that is the root pointer of ACPI 2.0 or later (4.6.1).
inline Guid acpi_table()
{
    return {0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};
}
// The table that holds a flattened device tree (Embedded Base Boot Requirements, 2.1.2).
inline Guid device_tree_table()
{
    return {0xb1b621d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};
}

} // namespace percival::boot::uefi
