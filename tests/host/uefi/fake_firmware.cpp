// SPDX-License-Identifier: BSD-2-Clause
#include "tests/host/uefi/fake_firmware.hpp"

#include "mm/image/image_seal.hpp"

#include <gtest/gtest.h>

#include <cstring>

using namespace percival::boot::uefi;

namespace {

// CTR_EL0 of a CPU with lines of 64 bytes.
constexpr percival::u64 kCacheType = 4 << 16 | 4;
constexpr percival::u64 kLine = 64;

} // namespace

namespace percival::testing {
static void note_entry();
}

extern "C" {
alignas(4096) std::array<std::byte, percival::testing::kFakeImageSize> uefi_fake_image{};
Status uefi_main(Handle image, SystemTable* table);
[[noreturn]] void uefi_enter_kernel(percival::u64 device_tree, percival::u64 entry);
extern const char uefi_enter_kernel_end[];

void uefi_enter_kernel(percival::u64 device_tree, percival::u64 entry)
{
    percival::testing::note_entry();
    throw percival::testing::Entered{device_tree, entry};
}
}

asm(".globl _image_start, _image_end, _image_seal, uefi_enter_kernel_end\n"
    ".globl _ZN8percival4boot12uefi_handoffE\n"
    ".set _image_start, uefi_fake_image\n"
    ".set _image_seal, uefi_fake_image + 0x6000 - 24\n"
    ".set _image_end, uefi_fake_image + 0x8000\n"
    ".set _ZN8percival4boot12uefi_handoffE, uefi_fake_image + 0x4000\n"
    ".set uefi_enter_kernel_end, uefi_enter_kernel + 64\n");
static_assert(sizeof(percival::mm::ImageSeal) == 24);
static_assert(percival::testing::kFakeHandoffAt + sizeof(percival::boot::UefiHandoff) <=
              percival::testing::kFakeFileSize);

namespace percival::testing {

namespace {

FakeFirmware* firmware = nullptr;

} // namespace

void note_entry()
{
    firmware->was_left = true;
}

// The firmware's functions.
struct Calls {
    static Status output_string(TextOutput*, const char16_t* text)
    {
        firmware->note_call("OutputString");
        for (; *text != 0; ++text)
            firmware->console += static_cast<char>(*text);
        return kSuccess;
    }

    static Status allocate_pages(AllocateType type, u32, u64 pages, u64* address)
    {
        firmware->note_call("AllocatePages");
        EXPECT_EQ(type, AllocateType::AnyPages);
        if (firmware->allocations_allowed == 0)
            return kError | 9; // out of resources
        --firmware->allocations_allowed;
        ++firmware->map_key_;
        const std::size_t size = static_cast<std::size_t>(pages * kFirmwarePage);
        // A page that is no multiple of 2 MiB, as firmware has it, with old contents.
        auto memory = std::make_unique<std::byte[]>(size + 2 * kFirmwarePage);
        std::memset(memory.get(), 0xa5, size + 2 * kFirmwarePage);
        *address = address_of(memory.get()).align_up(Bytes{kFirmwarePage}).raw();
        firmware->allocations_.emplace(*address, std::move(memory));
        return kSuccess;
    }

    static Status free_pages(u64 address, u64)
    {
        if (firmware->was_left) // the exception of the test leaves functions that the kernel's entry does not
            return kSuccess;
        if (firmware->has_ended_)
            firmware->note_call("FreePages");
        ++firmware->map_key_;
        EXPECT_EQ(firmware->allocations_.erase(address), 1U);
        return kSuccess;
    }

    static Status get_memory_map(u64* size, void* map, u64* key, u64* entry_size, u32* version)
    {
        if (firmware->has_ended_)
            firmware->offences.emplace_back("GetMemoryMap after the end");
        constexpr u64 kEntry = sizeof(MemoryDescriptor) + 8; // longer than the stub's
        const u64 needed = firmware->memory_map.size() * kEntry;
        *entry_size = kEntry;
        *version = 1;
        const bool fits = *size >= needed && map != nullptr;
        *size = needed;
        if (!fits)
            return kBufferTooSmall;
        for (std::size_t at = 0; at < firmware->memory_map.size(); ++at)
            std::memcpy(static_cast<std::byte*>(map) + at * kEntry, &firmware->memory_map[at],
                        sizeof(MemoryDescriptor));
        *key = firmware->map_key_;
        return kSuccess;
    }

    static Status handle_protocol(Handle handle, const Guid* protocol, void** interface)
    {
        firmware->note_call("HandleProtocol");
        EXPECT_EQ(handle, firmware);
        if (*protocol != loaded_image_protocol() || !firmware->has_loaded_image)
            return kError | 3; // unsupported
        *interface = &firmware->loaded_;
        return kSuccess;
    }

    static Status locate_protocol(const Guid* protocol, void*, void** interface)
    {
        firmware->note_call("LocateProtocol");
        if (*protocol != random_number_protocol() || firmware->random.empty())
            return kError | 14; // not found
        *interface = &firmware->random_numbers_;
        return kSuccess;
    }

    static Status get_rng(RandomNumbers*, const Guid*, u64 size, u8* value)
    {
        firmware->note_call("GetRNG");
        if (size > firmware->random.size())
            return kError | 6; // not ready
        std::memcpy(value, firmware->random.data(), static_cast<std::size_t>(size));
        return kSuccess;
    }

    static Status exit_boot_services(Handle image, u64 key)
    {
        EXPECT_EQ(image, firmware);
        firmware->exit_was_tried_ = true;
        if (firmware->grows_at_exit) {
            firmware->grows_at_exit = false;
            firmware->memory_map.resize(firmware->memory_map.size() + 10, firmware->memory_map.front());
            ++firmware->map_key_;
        }
        if (firmware->exit_error != kSuccess)
            return firmware->exit_error;
        if (firmware->stale_keys != 0) {
            --firmware->stale_keys;
            ++firmware->map_key_;
            return kInvalidParameter;
        }
        if (key != firmware->map_key_)
            return kInvalidParameter;
        firmware->has_ended_ = true;
        return kSuccess;
    }
};

std::span<std::byte> fake_image()
{
    return uefi_fake_image;
}

u64 kernel_entry_code()
{
    return reinterpret_cast<u64>(&uefi_enter_kernel); // SAFETY: an address of code is a number
}

const std::byte* bytes_at(u64 address)
{
    return reinterpret_cast<const std::byte*>(address); // SAFETY: the memory is the stub's, as any bytes
}

FakeFirmware::FakeFirmware()
{
    firmware = this;
    for (std::size_t at = 0; at < uefi_fake_image.size(); ++at)
        uefi_fake_image[at] = static_cast<std::byte>(at * 7 + (at >> 8));
    // SAFETY: the image has room for it there, and bytes may be replaced by an object.
    new (&uefi_fake_image[kFakeHandoffAt]) boot::UefiHandoff{};
    memory_map = {{kConventionalMemory, 0x4000'0000, 0, 0x100, kWriteBack}};
    text_.output_string = Calls::output_string;
    services_.allocate_pages = Calls::allocate_pages;
    services_.free_pages = Calls::free_pages;
    services_.get_memory_map = Calls::get_memory_map;
    services_.handle_protocol = Calls::handle_protocol;
    services_.locate_protocol = Calls::locate_protocol;
    services_.exit_boot_services = Calls::exit_boot_services;
    random_numbers_.get_rng = Calls::get_rng;
}

FakeFirmware::~FakeFirmware()
{
    firmware = nullptr;
}

FakeFirmware::Outcome FakeFirmware::start()
{
    configuration_ = {{{1, 2, 3, {4}}, this}};
    if (!tree.empty()) {
        tree_copy_ = std::make_unique<std::byte[]>(tree.size());
        std::memcpy(tree_copy_.get(), tree.data(), tree.size());
        configuration_.push_back({device_tree_table(), tree_copy_.get()});
    }
    if (root_pointer != 0)
        configuration_.push_back({acpi_table(), bytes_at(root_pointer)});
    if (options) {
        loaded_.load_options = options->data();
        loaded_.load_options_size = static_cast<u32>(options->size());
    }
    table_.header.signature = SystemTable::kSignature;
    table_.console_out = has_console ? &text_ : nullptr;
    table_.boot_services = &services_;
    table_.configuration_tables = configuration_.size();
    table_.configuration = configuration_.data();
    try {
        return {uefi_main(this, &table_), std::nullopt};
    } catch (const Entered& entered) {
        return {0, entered};
    }
}

const boot::UefiHandoff& FakeFirmware::handoff_of(const Entered& entered)
{
    // SAFETY: the stub has made the copy of the image there.
    return *std::launder(reinterpret_cast<const boot::UefiHandoff*>(entered.entry + kFakeHandoffAt));
}

bool FakeFirmware::was_cleaned(u64 start, std::size_t size) const
{
    for (u64 at = start & ~(kLine - 1); at < start + size; at += kLine) {
        if (!cleaned_.contains(at))
            return false;
    }
    return true;
}

// Memory services excepted, nothing may be called once the end of boot services was tried.
void FakeFirmware::note_call(const char* name)
{
    if (exit_was_tried_)
        offences.emplace_back(name);
}

u64 FakeFirmware::read(u64, u32)
{
    ADD_FAILURE();
    return 0;
}

void FakeFirmware::write(u64, u64, u32)
{
    ADD_FAILURE();
}

u64 FakeFirmware::read_system(std::string_view name)
{
    EXPECT_EQ(name, "ctr_el0");
    return kCacheType;
}

void FakeFirmware::write_system(std::string_view, u64)
{
    ADD_FAILURE();
}

void FakeFirmware::maintain(arch::CacheOperation operation, u64 address)
{
    EXPECT_EQ(operation, arch::CacheOperation::CleanAndInvalidate);
    EXPECT_TRUE(has_ended_) << "the firmware could still write";
    cleaned_.insert(address & ~(kLine - 1));
}

} // namespace percival::testing
