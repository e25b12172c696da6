// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/salvage.hpp"

#include "kernel/boot_arguments/given_arguments.hpp"
#include "kernel/device_tree/damaged_structure.hpp"
#include "kernel/device_tree/device_tree.hpp"
#include "kernel/device_tree/reader.hpp"
#include "kernel/device_tree/tree_format.hpp"
#include "kernel/lib/text.hpp"
#include "kernel/uart/earlycon.hpp"
#include "kernel/uart/uart_table.hpp"

#include <algorithm>
#include <array>

namespace percival {
namespace {

using Value = DamagedStructure::Value;

// A node on the way from the root to the place that is read.
struct Node {
    std::string_view name{};
    std::size_t address_cells{2};
    std::size_t size_cells{1};
    Value reg{};
    Value ranges{};
    bool has_ranges{false};
    bool has_cells{false};
    std::optional<UartDescription> uart{};
    Value reg_shift{};
    Value reg_io_width{};
    Value reg_offset{};
    bool has_big_endian{false};
    bool has_little_endian{false};
    bool is_disabled{false};
    bool is_device{false};         // it has a `compatible`
    bool has_device_behind{false}; // a child has one
};

std::size_t cells_of(Value value)
{
    return value.size() == DeviceTreeProperty::kCellBytes
               ? static_cast<std::size_t>(DeviceTreeProperty{value}.number(0, 1))
               : 0;
}

u64 number_or(Value value, u64 otherwise)
{
    return DeviceTreeProperty{value}.number().value_or(otherwise);
}

// Returns the number after the '@' of a node's name; 0 if there is none.
u64 unit_address(std::string_view name)
{
    u64 address = 0;
    for (char c : slice(name, std::min(name.find('@'), name.size()))) {
        const bool is_letter = c >= 'a' && c <= 'f';
        if (c >= '0' && c <= '9')
            address = address << 4 | static_cast<u64>(c - '0');
        else if (is_letter)
            address = address << 4 | static_cast<u64>(c - 'a' + 10);
        else if (c != '@')
            return 0;
    }
    return address;
}

class Salvage {
public:
    explicit Salvage(Value blob) : structure_{blob} {}

    // Reads the whole structure and stores what it finds. Nothing that was found before is replaced.
    void read(MachineDescription& machine)
    {
        find_console_name();
        structure_.for_each_property(
            [&machine](std::string_view name, Value value) { note_way_to_end(name, value, machine); });
        if (const auto by_hand = device_tree::uart_of_arguments(machine.boot_arguments);
            machine.uart.kind == UartKind::None && by_hand)
            machine.uart = *by_hand;
        walk([&] { note_console(machine); });
        if (!console_is_foreign_)
            walk([&] { note_free_uart(machine); });
    }

private:
    static constexpr std::size_t kMaxDepth = DeviceTreeIndex::kMaxDepth;

    Node& node() { return path_[depth_]; }

    // Walks the structure. In leave_node() the path leads to the node.
    template <class EndVisitor>
    void walk(EndVisitor leave_node)
    {
        depth_ = 0;
        path_[0] = {};
        structure_.walk([this](std::string_view name) { begin_node(name); },
                        [this](std::string_view name, Value value) { describe_node(name, value); },
                        [&] {
                            leave_node();
                            depth_ -= depth_ != 0;
                        });
    }

    void begin_node(std::string_view name)
    {
        const bool is_root = depth_ == 0 && name.empty();
        depth_ += depth_ + 1 < kMaxDepth && !is_root;
        node() = {};
        node().name = name;
    }

    void describe_node(std::string_view name, Value value)
    {
        if (name == "#address-cells") {
            node().address_cells = cells_of(value);
            node().has_cells = true;
        } else if (name == "#size-cells")
            node().size_cells = cells_of(value);
        else if (name == "reg")
            node().reg = value;
        else if (name == "ranges") {
            node().ranges = value;
            node().has_ranges = true;
        } else if (name == "status") {
            const auto text = DeviceTreeProperty{value}.text();
            node().is_disabled = text && *text != "okay" && *text != "ok";
        } else if (name == "reg-shift")
            node().reg_shift = value;
        else if (name == "reg-io-width")
            node().reg_io_width = value;
        else if (name == "reg-offset")
            node().reg_offset = value;
        else if (name == "big-endian")
            node().has_big_endian = true;
        else if (name == "little-endian")
            node().has_little_endian = true;
        if (name == "compatible") {
            node().is_device = true;
            if (depth_ != 0)
                path_[depth_ - 1].has_device_behind = true;
        }
        // The value says it all, whatever has become of the property's name.
        if (!node().uart)
            node().uart = device_tree::uart_in_list(DeviceTreeProperty{value});
    }

    static void note_way_to_end(std::string_view name, Value value, MachineDescription& machine)
    {
        const auto text = DeviceTreeProperty{value}.text();
        if (!text)
            return;
        if (machine.psci == PsciConduit::None && *text == "hvc")
            machine.psci = PsciConduit::Hvc;
        else if (machine.psci == PsciConduit::None && *text == "smc")
            machine.psci = PsciConduit::Smc;
        else if (machine.boot_arguments.empty() && name == "bootargs")
            machine.boot_arguments = *text;
    }

    bool is_enabled() const
    {
        for (std::size_t at = 0; at <= depth_; ++at) {
            if (path_[at].is_disabled)
                return false;
        }
        return true;
    }

    // Takes the node if the stdout-path names it. If that is a device of another kind there is no console, as
    // in console.cpp.
    void note_console(MachineDescription& machine)
    {
        if (console_.empty() || node().name != console_ || !is_enabled())
            return;
        console_is_foreign_ = node().is_device && !node().uart;
        note_uart(machine);
    }

    // Takes the node unless another device is wired to it.
    void note_free_uart(MachineDescription& machine)
    {
        if (!node().has_device_behind && is_enabled())
            note_uart(machine);
    }

    void note_uart(MachineDescription& machine)
    {
        if (machine.uart.kind != UartKind::None)
            return;
        if (const auto uart = uart_of_node())
            machine.uart = *uart;
    }

    // Returns the place in the path of the bus that the node at `at` is on. A node that has nothing of a bus
    // is a neighbour whose end is damaged.
    std::size_t bus_of(std::size_t at) const
    {
        do
            --at;
        while (at != 0 && !path_[at].has_ranges && !(path_[at].has_cells && path_[at].size_cells != 0));
        return at;
    }

    // Returns the UART at the end of the path; nothing if its registers cannot be where they seem to be.
    std::optional<UartDescription> uart_of_node()
    {
        std::optional<UartDescription> named = node().uart;
        if (!named)
            return std::nullopt;
        const auto range = registers_of_node();
        if (!range)
            return std::nullopt;
        named->source = UartSource::DeviceTree;
        const auto uart =
            uart_as_claimed(*named, {.shift = number_or(node().reg_shift, named->layout.shift),
                                     .bytes = number_or(node().reg_io_width, named->layout.bytes),
                                     .says_big_endian = node().has_big_endian,
                                     .says_little_endian = node().has_little_endian,
                                     .offset = number_or(node().reg_offset, 0),
                                     .range = *range});
        return uart ? std::optional{*uart} : std::nullopt;
    }

    // Returns the registers of the node at the end of the path, as the CPU sees them.
    std::optional<PhysRange> registers_of_node()
    {
        constexpr u64 kUsualSize = 0x1000;
        if (depth_ == 0)
            return std::nullopt;
        std::size_t at = bus_of(depth_);
        const Node& bus = path_[at];
        const u64 unit = unit_address(node().name);
        u64 address = unit;
        u64 size = kUsualSize;
        const DeviceTreeProperty reg{node().reg};
        if (are_usable(bus) && reg.cells() >= bus.address_cells + bus.size_cells) {
            address = reg.number(0, bus.address_cells);
            size = reg.number(bus.address_cells, bus.size_cells);
        }
        // The name repeats the address. Where they differ, either may be damaged, or the node is mixed up
        // with another.
        if (unit != 0 && address != unit)
            return std::nullopt;
        // Where the cells are lost, a word of the address is taken for the size.
        if (unit != 0 && size == 0)
            size = kUsualSize;
        while (at != 0) {
            const std::size_t parent = bus_of(at);
            const auto translated = translate(path_[at], path_[parent], address);
            if (!translated)
                return std::nullopt;
            address = *translated;
            at = parent;
        }
        if (address == 0 || address >= kPhysicalLimit.raw() || size > kPhysicalLimit.raw() - address)
            return std::nullopt;
        return PhysRange{PhysAddr{address}, Bytes{size}};
    }

    static bool are_usable(const Node& bus)
    {
        return bus.address_cells >= 1 && bus.address_cells <= 2 && bus.size_cells >= 1 && bus.size_cells <= 2;
    }

    // Returns an address on `bus` as an address on its parent.
    static std::optional<u64> translate(const Node& bus, const Node& parent, u64 address)
    {
        if (!bus.has_ranges)
            return std::nullopt;
        if (bus.ranges.empty())
            return address;
        if (!are_usable(bus) || !are_usable(parent))
            return std::nullopt;
        const DeviceTreeProperty ranges{bus.ranges};
        const std::size_t entry = bus.address_cells + parent.address_cells + bus.size_cells;
        for (std::size_t at = 0; at + entry <= ranges.cells(); at += entry) {
            const u64 base = ranges.number(at, bus.address_cells);
            const u64 to = ranges.number(at + bus.address_cells, parent.address_cells);
            const u64 size = ranges.number(at + bus.address_cells + parent.address_cells, bus.size_cells);
            if (address >= base && address - base < size)
                return address - base + to;
        }
        return std::nullopt;
    }

    // Stores the name of the node that the stdout-path leads to. An alias is looked up by its name anywhere.
    void find_console_name()
    {
        std::string_view path;
        structure_.for_each_property([&path](std::string_view name, Value value) {
            if (path.empty() && (name == "stdout-path" || name == "linux,stdout-path"))
                path = DeviceTreeProperty{value}.text().value_or("");
        });
        path = slice(path, 0, path.find(':'));
        if (!path.empty() && !path.starts_with('/')) {
            const std::string_view alias = path;
            path = {};
            structure_.for_each_property([&](std::string_view name, Value value) {
                const std::string_view target = DeviceTreeProperty{value}.text().value_or("");
                if (path.empty() && name == alias && target.starts_with('/'))
                    path = target;
            });
        }
        console_ = slice(path, path.rfind('/') + 1); // npos + 1 is 0
    }

    DamagedStructure structure_;
    std::string_view console_{};     // the name of the node that the stdout-path leads to
    bool console_is_foreign_{false}; // it is a device, but no UART that the kernel drives
    std::array<Node, kMaxDepth> path_{};
    std::size_t depth_{0};
};

} // namespace

Bytes size_of_damaged_device_tree(std::span<const std::byte> header)
{
    using enum device_tree::HeaderWord;
    const DeviceTreeProperty words{header};
    const auto equal_bytes = [&words](device_tree::HeaderWord at, u64 wanted) {
        u32 equal = 0;
        for (unsigned shift = 0; shift < 32; shift += 8)
            equal += u32{(words.number(at, 1) >> shift & 0xff) == (wanted >> shift & 0xff)};
        return equal;
    };
    const auto high_bytes_of_offset = [&words](device_tree::HeaderWord at) {
        const u64 high = words.number(at, 1) >> 16;
        return u32{high >> 8 == 0} + u32{(high & 0xff) < kDeviceTreeLimit.count() >> 16};
    };
    // Of 20 bytes it is known what they have to be. Zeros and small numbers have 14 of them, and none of the
    // magic.
    constexpr u32 kMostlyRight = 12;
    constexpr u32 kAlmostAllRight = 15;
    const u32 magic = equal_bytes(Magic, device_tree::kMagic);
    const u32 right = magic + equal_bytes(Version, device_tree::kVersion) +
                      equal_bytes(LastCompatible, device_tree::kLastCompatible) +
                      high_bytes_of_offset(TotalSize) + high_bytes_of_offset(Structure) +
                      high_bytes_of_offset(Strings) + high_bytes_of_offset(Reservations);
    if (right < (magic >= 2 ? kMostlyRight : kAlmostAllRight))
        return Bytes{0};
    const auto possible_or = [](u64 end, u64 otherwise) {
        return end <= kDeviceTreeLimit.count() ? end : otherwise;
    };
    // If the total size is too small, the blocks reach beyond it.
    const u64 structure_end = words.number(Structure, 1) + words.number(StructureSize, 1);
    const u64 strings_end = words.number(Strings, 1) + words.number(StringsSize, 1);
    return Bytes{std::max({possible_or(words.number(TotalSize, 1), kDeviceTreeLimit.count()),
                           possible_or(structure_end + words.number(StringsSize, 1), 0),
                           possible_or(structure_end, 0), possible_or(strings_end, 0)})};
}

void salvage_device_tree(std::span<const std::byte> blob, MachineDescription& machine)
{
    Salvage{blob}.read(machine);
}

namespace device_tree {

std::optional<UartDescription> uart_in_list(const DeviceTreeProperty& compatible)
{
    std::optional<UartDescription> found;
    compatible.for_each_text([&found](std::string_view name) {
        if (!found)
            found = uart_compatible_with(name);
    });
    return found;
}

std::optional<UartDescription> uart_of_arguments(std::string_view arguments)
{
    const auto uart = uart_by_hand(last_given(arguments, kEarlyconKey).value_or(""));
    return uart ? std::optional{*uart} : std::nullopt;
}

} // namespace device_tree
} // namespace percival
