// SPDX-License-Identifier: BSD-2-Clause
// A UEFI firmware for tests of the stub. It owns its memory, knows what was allocated and cleaned, and notes
// every call that the specification forbids.
#pragma once

#include "arch/simulation/register_model.hpp"
#include "boot/uefi/firmware_tables.hpp"
#include "mm/image/uefi_handoff.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace percival::testing {

// The image as the firmware loaded it: the bytes of the file, and behind them BSS.
inline constexpr std::size_t kFakeFileSize = 0x6000;
inline constexpr std::size_t kFakeImageSize = 0x8000;
inline constexpr std::size_t kFakeHandoffAt = 0x4000;

std::span<std::byte> fake_image();
// Where the code is that jumps to the kernel, 64 bytes long.
u64 kernel_entry_code();
// Returns what lies at an address of the stub's.
const std::byte* bytes_at(u64 address);

// What the stub throws where it would enter the kernel.
struct Entered {
    u64 device_tree;
    u64 entry;
};

class FakeFirmware : public arch::RegisterModel {
public:
    FakeFirmware();
    ~FakeFirmware() override;

    // Starts the image. Returns the status that it returned, or how it entered the kernel.
    struct Outcome {
        boot::uefi::Status status{0};
        std::optional<Entered> entered{};
    };
    Outcome start();

    // What the stub wrote for the kernel that it entered.
    static const boot::UefiHandoff& handoff_of(const Entered& entered);

    // What a test may change before start().
    std::vector<std::byte> tree;                   // empty: there is no such table
    u64 root_pointer{0};                           // of ACPI; 0: there is no such table
    std::optional<std::vector<std::byte>> options; // nullopt: a null pointer
    std::vector<u8> random;                        // empty: there is no such protocol
    std::vector<boot::uefi::MemoryDescriptor> memory_map;
    bool grows_at_exit{false};        // the map, once, by ten entries
    u32 stale_keys{0};                // so many times the end of boot services is refused
    boot::uefi::Status exit_error{0}; // what exit_boot_services() returns instead
    u32 allocations_allowed{~0U};
    bool has_console{true};
    bool has_loaded_image{true};

    // What a test may look at afterwards.
    std::string console;
    std::vector<std::string> offences;
    bool was_left{false}; // the kernel was entered
    std::size_t pages_held() const { return allocations_.size(); }
    bool was_cleaned(u64 start, std::size_t size) const;

    u64 read(u64, u32) override;
    void write(u64, u64, u32) override;
    u64 read_system(std::string_view name) override;
    void write_system(std::string_view, u64) override;
    void maintain(arch::CacheOperation operation, u64 address) override;

private:
    friend struct Calls;

    void note_call(const char* name);

    std::map<u64, std::unique_ptr<std::byte[]>> allocations_;
    std::set<u64> cleaned_;
    u64 map_key_{1};
    bool exit_was_tried_{false};
    bool has_ended_{false};

    boot::uefi::TextOutput text_{};
    boot::uefi::BootServices services_{};
    boot::uefi::SystemTable table_{};
    boot::uefi::LoadedImage loaded_{};
    boot::uefi::RandomNumbers random_numbers_{};
    std::vector<boot::uefi::ConfigurationTable> configuration_;
    std::unique_ptr<std::byte[]> tree_copy_;
};

} // namespace percival::testing
