// SPDX-License-Identifier: BSD-2-Clause
// Runs before boot services end, at the address to which the firmware loaded the image (boot/uefi/stub.cpp).
#include "boot/uefi/firmware_tree.hpp"

#include "arch/cpu/cpu_identity.hpp"
#include "boot/acpi/machine_reader.hpp"
#include "boot/flat_tree/machine_tree.hpp"
#include "boot/flat_tree/stub_tree.hpp"
#include "boot/uefi/acpi_choice.hpp"
#include "boot/uefi/firmware_map.hpp"
#include "boot/uefi/memory_map.hpp"
#include "kernel/device_tree/device_tree.hpp"
#include "kernel/lib/printable.hpp"

namespace percival::boot::uefi {
namespace {

// Returns the bytes of the firmware's tree, or why they cannot be used.
std::expected<Tree, std::string_view> device_tree(const void* table)
{
    const auto* tree = static_cast<const std::byte*>(table);
    if (!address_of(tree).is_aligned(Bytes{kDeviceTreeAlignment}))
        return std::unexpected("the firmware's device tree is not at a multiple of 8");
    const auto size = device_tree_size({tree, kDeviceTreeHeaderBytes});
    if (!size)
        return std::unexpected("the header of the firmware's device tree is wrong");
    return Tree{tree, static_cast<std::size_t>(size->count())};
}

// A tree for the largest machine: each CPU takes about 120 bytes.
constexpr Bytes kTreeRoom = 256_KiB;

// What an ACPI table's address and length may name. A damaged one names anything: a read of what is no memory
// would end in the firmware's handler of exceptions, or would change a device.
class ReadableMemory {
public:
    // Returns nothing if the firmware gives no map, or no memory for it.
    static std::optional<ReadableMemory> of(const Firmware& firmware, Pages& room)
    {
        if (!allocate_map(firmware, room))
            return std::nullopt;
        const auto map = read_map(firmware, room);
        if (!map)
            return std::nullopt;
        return ReadableMemory{map->in(room), static_cast<std::size_t>(map->entry_size)};
    }

    acpi::Memory as_memory() { return {&read, this}; }

private:
    ReadableMemory(std::span<const std::byte> map, std::size_t entry_size)
        : map_{map}, entry_size_{entry_size}
    {
    }

    static std::span<const std::byte> read(void* memory, u64 address, std::size_t size)
    {
        const auto& self = *static_cast<const ReadableMemory*>(memory);
        if (!is_readable(self.map_, self.entry_size_, {PhysAddr{address}, Bytes{size}}))
            return {};
        return {pointer_to<const std::byte>(address), size};
    }

    std::span<const std::byte> map_;
    std::size_t entry_size_;
};

// Puts the text without the blanks and zeroes at its end.
void put_printable(Writer& out, std::string_view text)
{
    while (!text.empty() && (text.back() == ' ' || text.back() == 0))
        text.remove_suffix(1);
    for (const char c : text)
        out.put(printable_or_mark(c));
}

void print_note(void* firmware, const acpi::Error& error)
{
    std::array<char, Firmware::kText> room;
    Writer text{room};
    error.describe(text);
    static_cast<const Firmware*>(firmware)->print(text.text());
}

// Writes the tree of the machine that the ACPI tables describe into `room`. What is wrong is printed.
std::optional<Tree> tree_of_acpi(const Firmware& firmware, const void* root_pointer, const Pages& work,
                                 const Pages& room)
{
    Firmware told = firmware;
    const acpi::Notes notes{print_note, &told};
    Pages map_room{firmware};
    auto memory = ReadableMemory::of(firmware, map_room);
    if (!memory) {
        firmware.print("there is no memory for the memory map");
        return std::nullopt;
    }
    const auto tables = acpi::Tables::open(address_of(root_pointer).raw(), memory->as_memory());
    if (!tables) {
        notes(tables.error());
        return std::nullopt;
    }
    // SAFETY: the memory is as large as a description, is aligned to a page, and holds no other object.
    auto& machine = *new (pointer_to<void>(work.base())) MachineDescription{};
    if (const auto read = acpi::read_machine(*tables, machine, arch::affinity(), notes); !read) {
        notes(read.error());
        return std::nullopt;
    }
    std::array<char, 24> model_room;
    Writer model{model_room};
    put_printable(model, tables->maker());
    model.put(" ");
    put_printable(model, tables->product());
    machine.model = model.text();
    machine.compatible = "acpi";
    auto* start = pointer_to<std::byte>(room.base());
    const auto size = write_machine_tree(machine, {start, static_cast<std::size_t>(room.size().count())});
    if (!size) {
        firmware.print("the machine's tree does not fit");
        return std::nullopt;
    }
    return Tree{start, *size};
}

} // namespace

std::optional<Tree> find_tree(const Firmware& firmware, std::string_view arguments, Pages& room)
{
    const void* const given = configuration_table(firmware.table, device_tree_table());
    const void* const root_pointer = configuration_table(firmware.table, acpi_table());
    std::expected<Tree, std::string_view> tree;
    if (given != nullptr)
        tree = device_tree(given);
    // A tree that cannot be used counts as one, so that its error is told.
    const bool has_tree = given != nullptr && !(tree && is_stub_tree(*tree));
    const auto choice = choose_description(arguments, has_tree, root_pointer != nullptr);
    if (!choice) {
        firmware.print(choice.error());
        return std::nullopt;
    }
    if (*choice != Description::DeviceTree) {
        Pages work{firmware};
        if (!work.allocate(Bytes{sizeof(MachineDescription)}) || !room.allocate(kTreeRoom)) {
            firmware.print("there is no memory for the machine's tree");
            return std::nullopt;
        }
        const auto made = tree_of_acpi(firmware, root_pointer, work, room);
        if (made || *choice == Description::Acpi)
            return made;
        firmware.print("the device tree is taken in place of the ACPI tables");
    }
    if (tree)
        return *tree;
    firmware.print(tree.error());
    return std::nullopt;
}

} // namespace percival::boot::uefi
