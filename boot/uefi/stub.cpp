// SPDX-License-Identifier: BSD-2-Clause
// The entry of the Image as a UEFI application. It takes from the firmware what the kernel needs, copies the
// image to where it will run, ends boot services, and enters the one path that all loaders take.
//
// Invariants:
// * The stub runs wherever the firmware loaded the image, with the firmware's tables and on its stack. It is
//   position independent (CMake checks that), and writes no static data of its own.
// * Until it tries to end boot services, every error is printed by the firmware's console and returned to the
//   firmware, with the memory freed. After that only the memory is freed.
// * Between the last memory map and the end of boot services nothing is allocated or printed: both would make
//   the map stale.
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/cache.hpp"
#include "arch/cpu/processor.hpp"
#include "boot/uefi/firmware.hpp"
#include "boot/uefi/firmware_map.hpp"
#include "boot/uefi/firmware_tree.hpp"
#include "boot/uefi/load_options.hpp"
#include "boot/uefi/memory_map.hpp"
#include "linker/symbols.hpp"
#include "mm/image/image_seal.hpp"
#include "mm/image/uefi_handoff.hpp"

#include <cstring>

extern "C" {
[[noreturn]] void uefi_enter_kernel(percival::u64 device_tree, percival::u64 entry);
extern const char uefi_enter_kernel_end[];
}

namespace percival::boot::uefi {
namespace {

// Linux Documentation/arch/arm64/booting.rst, section 3: the image is best placed at a multiple of 2 MiB.
constexpr Bytes kImageAlignment = 2_MiB;
// The firmware may change the map once between the two calls, as its own handlers run at the first (7.4.6).
constexpr int kExitAttempts = 4;

std::expected<std::size_t, std::string_view> arguments_of(const Firmware& firmware, std::span<char> room)
{
    const Guid protocol = loaded_image_protocol();
    void* found = nullptr;
    if (firmware.services().handle_protocol(firmware.image, &protocol, &found) != kSuccess)
        return std::unexpected("the firmware says nothing of the image that it loaded");
    const auto& loaded = *static_cast<const LoadedImage*>(found);
    if (loaded.load_options == nullptr)
        return 0;
    return read_load_options({static_cast<const std::byte*>(loaded.load_options), loaded.load_options_size},
                             room);
}

// Returns 0 if the firmware has no source of random numbers, or has none ready.
u64 random_seed(const Firmware& firmware)
{
    const Guid protocol = random_number_protocol();
    void* found = nullptr;
    if (firmware.services().locate_protocol(&protocol, nullptr, &found) != kSuccess)
        return 0;
    auto* source = static_cast<RandomNumbers*>(found);
    std::array<u8, sizeof(u64)> bytes{};
    if (source->get_rng(source, nullptr, bytes.size(), bytes.data()) != kSuccess)
        return 0;
    u64 seed;
    std::memcpy(&seed, bytes.data(), sizeof(seed));
    return seed;
}

// Ends boot services. Returns the map that holds from then on.
std::expected<FirmwareMap, Status> exit_boot_services(const Firmware& firmware, const Pages& room)
{
    Status status = kInvalidParameter;
    for (int attempt = 0; attempt < kExitAttempts && status == kInvalidParameter; ++attempt) {
        const auto map = read_map(firmware, room);
        if (!map)
            return map;
        status = firmware.services().exit_boot_services(firmware.image, map->key);
        if (status == kSuccess)
            return map;
    }
    return std::unexpected(status);
}

void clean(const void* start, Bytes size)
{
    arch::clean_and_invalidate_to_memory({address_of(start), size}, arch::own_cache_lines());
}

// Where the copy of the image lies, which will run.
class Copy {
public:
    explicit Copy(const Pages& memory)
        : start_{pointer_to<char>(PhysAddr{memory.base()}.align_up(kImageAlignment).raw())}
    {
        // The seal is the last part of the file, but for a signature.
        const Bytes file = address_of(&_image_seal) + Bytes{sizeof(mm::ImageSeal)} - address_of(_image_start);
        std::memcpy(start_, _image_start, static_cast<std::size_t>(file.count()));
    }

    static Bytes room_needed()
    {
        return Bytes{static_cast<u64>(_image_end - _image_start)} + kImageAlignment;
    }

    UefiHandoff& handoff() const
    {
        const char* here = reinterpret_cast<const char*>(&uefi_handoff); // SAFETY: any object is bytes
        // SAFETY: the copy has the same things at the same distances.
        return *reinterpret_cast<UefiHandoff*>(start_ + (here - _image_start));
    }
    void clean_to_memory() const { clean(start_, Bytes{static_cast<u64>(_image_end - _image_start)}); }
    u64 entry() const { return address_of(start_).raw(); }

private:
    char* start_;
};

[[noreturn]] void enter(const Copy& copy, std::span<const std::byte> tree)
{
    copy.clean_to_memory();
    clean(tree.data(), Bytes{tree.size()});
    // SAFETY: a function's code is bytes that can be read.
    const char* code = reinterpret_cast<const char*>(uefi_enter_kernel);
    clean(code, Bytes{static_cast<u64>(uefi_enter_kernel_end - code)});
    uefi_enter_kernel(address_of(tree.data()).raw(), copy.entry());
}

Status start(const Firmware& firmware)
{
    Pages memory{firmware};
    if (!memory.allocate(Copy::room_needed()))
        return firmware.refuse("there is no memory for the kernel", kLoadError);
    const Copy copy{memory};
    UefiHandoff& handoff = copy.handoff();
    const auto arguments = arguments_of(firmware, handoff.arguments);
    if (!arguments)
        return firmware.refuse(arguments.error(), kLoadError);
    handoff.argument_bytes = *arguments;
    Pages tree_room{firmware};
    const auto tree = find_tree(firmware, handoff.facts().boot_arguments, tree_room);
    if (!tree)
        return kLoadError;
    handoff.random_seed = random_seed(firmware);
    handoff.is_given = true;

    Pages map_room{firmware};
    if (!allocate_map(firmware, map_room))
        return firmware.refuse("there is no memory for the memory map", kLoadError);
    const auto map = exit_boot_services(firmware, map_room);
    if (!map)
        return map.error();      // in silence: the firmware may have shut its console down in part (7.4.6)
    arch::mask_all_exceptions(); // the firmware's handlers are gone
    add_usable_memory(map->in(map_room), static_cast<std::size_t>(map->entry_size), handoff.memory);
    enter(copy, *tree);
}

} // namespace

// Called by the firmware (4.1). Returns only if the kernel cannot be started.
extern "C" Status uefi_main(Handle image, SystemTable* table)
{
    if (table == nullptr || table->header.signature != SystemTable::kSignature)
        return kInvalidParameter; // there is no console either
    return start({image, *table});
}

} // namespace percival::boot::uefi
