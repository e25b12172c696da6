// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/salvage.hpp"

#include "kernel/device_tree/device_tree.hpp"
#include "kernel/device_tree/reader.hpp"
#include "kernel/lib/text.hpp"

#include <algorithm>
#include <array>

namespace percival {
namespace {

using device_tree::kPhysicalLimit;

// Tokens of the structure block (Devicetree Specification 0.4, 5.4.1). Comparisons instead of a switch: the
// table of a switch may be in a part of the image that is missing.
constexpr u64 kBeginNode = 1;
constexpr u64 kEndNode = 2;
constexpr u64 kProperty = 3;
constexpr u64 kNop = 4;
constexpr u64 kEnd = 9;
constexpr std::size_t kWord = DeviceTreeProperty::kCellBytes;

using Value = std::span<const std::byte>;

// A node on the way from the root to the place that is read.
struct Node {
    std::string_view name{};
    std::size_t address_cells{2};
    std::size_t size_cells{1};
    Value reg{};
    Value ranges{};
    bool has_ranges{false};
    bool has_cells{false};
    bool is_uart{false};
    bool is_disabled{false};
};

constexpr std::size_t align_up(std::size_t at)
{
    return (at + kWord - 1) & ~(kWord - 1);
}

std::size_t cells_of(Value value)
{
    return value.size() == kWord ? static_cast<std::size_t>(DeviceTreeProperty{value}.number(0, 1)) : 0;
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
    Salvage(Value blob, std::size_t strings) : blob_{blob}, strings_{strings} {}

    // Reads the whole structure and stores what it finds. Nothing that was found before is replaced.
    void read(MachineDescription& machine)
    {
        find_console_name();
        walk([&](std::string_view name, Value value) { note_way_to_end(name, value, machine); },
             [&] { note_uart(machine, true); });
        walk([](std::string_view, Value) {}, [&] { note_uart(machine, false); });
    }

    // Returns whether the names of properties are where they are taken to be.
    bool knows_names()
    {
        bool knows = false;
        walk([&knows](std::string_view name, Value) { knows = knows || name == "compatible"; }, [] {});
        return knows;
    }

private:
    static constexpr std::size_t kMaxDepth = DeviceTreeView::kMaxDepth;

    u64 word(std::size_t at) const
    {
        return at + kWord <= blob_.size() ? DeviceTreeProperty{blob_.subspan(at, kWord)}.number(0, 1) : 0;
    }
    bool is_token(std::size_t at) const
    {
        const u64 token = word(at);
        return (token >= kBeginNode && token <= kNop) || token == kEnd;
    }

    // Returns the name from `at` to its NUL; empty if there is no NUL where one has to be.
    std::string_view name_at(std::size_t at) const
    {
        constexpr std::size_t kLongestName = 64;
        if (at >= blob_.size())
            return {};
        const Value room = blob_.subspan(at, std::min(kLongestName, blob_.size() - at));
        return DeviceTreeProperty{room}.text().value_or("");
    }

    Node& node() { return path_[depth_]; }

    // Calls property(name, value) for each property and end_node() at the end of each node, whose description
    // is then in node().
    template <class PropertyVisitor, class EndVisitor>
    void walk(PropertyVisitor property, EndVisitor end_node)
    {
        depth_ = 0;
        path_[0] = {};
        bool in_step = true; // a token is due
        for (std::size_t at = structure(); at + kWord <= blob_.size();) {
            const u64 token = in_step ? repaired_token(at) : word(at);
            at += kWord;
            const bool begins_node = token == kBeginNode && (in_step || is_node_name(name_at(at)));
            in_step = fits(token, at);
            if (begins_node) { // even if its name is damaged, or what follows it
                at += begin_node(at, in_step);
            } else if (!in_step) {
                continue;
            } else if (token == kEndNode) {
                end_node();
                depth_ -= depth_ != 0;
            } else if (token == kProperty) {
                const std::string_view name = property_name(at);
                const Value value = property_value(at);
                describe_node(name, value);
                property(name, value);
                at = align_up(at + 2 * kWord + value.size());
            }
        }
    }

    // Returns the token at `at`, or the one that must have been there by what follows it, if it is damaged.
    u64 repaired_token(std::size_t at) const
    {
        if (is_token(at))
            return word(at);
        if (is_node_name(name_at(at + kWord)) && fits(kBeginNode, at + kWord))
            return kBeginNode;
        if (!property_name(at + kWord).empty() && fits(kProperty, at + kWord))
            return kProperty;
        return fits(kEndNode, at + kWord) ? kEndNode : 0;
    }

    // Returns whether what is at `at` may follow the token.
    bool fits(u64 token, std::size_t at) const
    {
        if (token == kBeginNode)
            return is_token(at + align_up(name_at(at).size() + 1));
        if (token == kProperty)
            return property_value(at).data() != nullptr;
        if (token == kEndNode) {
            const u64 next = word(at);
            return next == kBeginNode || next == kEndNode || next == kEnd;
        }
        return token == kNop && is_token(at);
    }

    static bool is_node_name(std::string_view name)
    {
        return !name.empty() && std::ranges::all_of(name, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '@' ||
                   c == ',' || c == '.' || c == '_' || c == '+' || c == '-';
        });
    }

    // The name and the value of the property whose length is at `at`. A value without data is no value.
    std::string_view property_name(std::size_t at) const
    {
        return name_at(strings_ + static_cast<std::size_t>(word(at + kWord)));
    }
    Value property_value(std::size_t at) const
    {
        const std::size_t from = at + 2 * kWord;
        if (from >= blob_.size())
            return {};
        const u64 size = word(at);
        if (size <= blob_.size() - from && is_token(align_up(from + static_cast<std::size_t>(size))))
            return blob_.subspan(from, static_cast<std::size_t>(size));
        // The length is damaged, and would swallow the nodes that follow: the value ends at the next token
        // that makes sense.
        constexpr std::size_t kLongestRepair = 64 * kWord;
        for (std::size_t end = from; end < from + kLongestRepair && end < blob_.size(); end += kWord) {
            if (is_followed_well(end))
                return blob_.subspan(from, end - from);
        }
        return {};
    }

    // Returns whether a token at `at` is followed by what has to follow it, and no length has to be repaired.
    bool is_followed_well(std::size_t at) const
    {
        const u64 token = word(at);
        if (token == kBeginNode)
            return is_node_name(name_at(at + kWord)) && fits(token, at + kWord);
        if (token != kProperty)
            return fits(token, at + kWord);
        const std::size_t from = at + 3 * kWord;
        const u64 size = word(at + kWord);
        return !property_name(at + kWord).empty() && from < blob_.size() && size <= blob_.size() - from &&
               is_token(align_up(from + static_cast<std::size_t>(size)));
    }

    // Returns where the structure begins: where the header says, if a node begins there, or else at the first
    // node without a name, as the root has none.
    std::size_t structure() const
    {
        constexpr std::size_t kStructureWord = 2; // off_dt_struct
        const std::size_t by_header = static_cast<std::size_t>(word(kStructureWord * kWord));
        if (by_header % kWord == 0 && word(by_header) == kBeginNode)
            return by_header;
        for (std::size_t at = kDeviceTreeHeaderBytes; at + 2 * kWord <= blob_.size(); at += kWord) {
            if (word(at) == kBeginNode && word(at + kWord) == 0)
                return at;
        }
        return kDeviceTreeHeaderBytes;
    }

    // Enters the node whose name is at `at`, if it has one. Returns the size of the name, padded.
    std::size_t begin_node(std::size_t at, bool has_name)
    {
        const std::string_view name = has_name ? name_at(at) : "?";
        const bool is_root = depth_ == 0 && name.empty();
        depth_ += depth_ + 1 < kMaxDepth && !is_root;
        node() = {};
        node().name = name;
        return has_name ? align_up(name.size() + 1) : 0;
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
        }
        // The value says it all, whatever has become of the property's name.
        const DeviceTreeProperty names{value};
        if (device_tree::any_uart_name(
                [&](std::string_view uart) { return names.place_of(uart).has_value(); }))
            node().is_uart = true;
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

    void note_uart(MachineDescription& machine, bool only_console)
    {
        if (machine.uart.kind != UartKind::None || !node().is_uart)
            return;
        if (only_console && (console_.empty() || node().name != console_))
            return;
        for (std::size_t at = 0; at <= depth_; ++at) {
            if (path_[at].is_disabled)
                return;
        }
        if (const auto registers = registers_of_node())
            machine.uart = {UartKind::Pl011, *registers};
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

    // Returns the registers of the node at the end of the path, as the CPU sees them.
    std::optional<PhysRange> registers_of_node()
    {
        constexpr u64 kAtLeast = 0x4c;
        constexpr u64 kPl011Size = 0x1000;
        if (depth_ == 0)
            return std::nullopt;
        std::size_t at = bus_of(depth_);
        const Node& bus = path_[at];
        const u64 unit = unit_address(node().name);
        u64 address = unit;
        u64 size = kPl011Size;
        const DeviceTreeProperty reg{node().reg};
        if (are_usable(bus) && reg.cells() >= bus.address_cells + bus.size_cells) {
            address = reg.number(0, bus.address_cells);
            size = reg.number(bus.address_cells, bus.size_cells);
        }
        // The name repeats the address. Where they differ, either may be damaged, or the node is mixed up
        // with another.
        if (unit != 0 && address != unit)
            return std::nullopt;
        while (at != 0) {
            const std::size_t parent = bus_of(at);
            const auto translated = translate(path_[at], path_[parent], address);
            if (!translated)
                return std::nullopt;
            address = *translated;
            at = parent;
        }
        if (address == 0 || address % kWord != 0 || address >= kPhysicalLimit.raw() || size < kAtLeast ||
            size > kPhysicalLimit.raw() - address)
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
        walk(
            [&path](std::string_view name, Value value) {
                if (path.empty() && (name == "stdout-path" || name == "linux,stdout-path"))
                    path = DeviceTreeProperty{value}.text().value_or("");
            },
            [] {});
        path = slice(path, 0, path.find(':'));
        if (!path.empty() && !path.starts_with('/')) {
            const std::string_view alias = path;
            path = {};
            walk(
                [&](std::string_view name, Value value) {
                    const std::string_view target = DeviceTreeProperty{value}.text().value_or("");
                    if (path.empty() && name == alias && target.starts_with('/'))
                        path = target;
                },
                [] {});
        }
        console_ = slice(path, path.rfind('/') + 1); // npos + 1 is 0
    }

    Value blob_;
    std::size_t strings_;
    std::string_view console_{};
    std::array<Node, kMaxDepth> path_{};
    std::size_t depth_{0};
};

// Returns where the strings begin according to the header.
std::size_t strings_by_header(Value blob)
{
    constexpr std::size_t kStringsWord = 3; // off_dt_strings
    if (blob.size() < kDeviceTreeHeaderBytes)
        return blob.size();
    return static_cast<std::size_t>(DeviceTreeProperty{blob}.number(kStringsWord, 1));
}

// Returns where the strings begin if they follow the structure, as in the blobs of dtc and of U-Boot.
std::size_t strings_behind_structure(Value blob)
{
    const DeviceTreeProperty words{blob};
    for (std::size_t at = 0; at + 1 < words.cells(); ++at) {
        if (words.number(at, 1) == kEndNode && words.number(at + 1, 1) == kEnd)
            return (at + 2) * kWord;
    }
    return blob.size();
}

} // namespace

Bytes size_of_damaged_device_tree(std::span<const std::byte> header)
{
    const DeviceTreeProperty words{header};
    const auto is_below_limit = [&words](std::size_t at) {
        return words.number(at, 1) > 0 && words.number(at, 1) <= kDeviceTreeLimit.count();
    };
    // Magic, total size, offsets of structure, strings and reservations, version, last compatible version.
    const u32 right = u32{words.number(0, 1) == 0xd00d'feed} + u32{is_below_limit(1)} +
                      u32{is_below_limit(2)} + u32{is_below_limit(3)} + u32{is_below_limit(4)} +
                      u32{words.number(5, 1) == 17} + u32{words.number(6, 1) == 16};
    constexpr u32 kAll = 7;
    if (right + 1 < kAll)
        return Bytes{0};
    return is_below_limit(1) ? Bytes{words.number(1, 1)} : kDeviceTreeLimit;
}

void salvage_device_tree(std::span<const std::byte> blob, MachineDescription& machine)
{
    std::size_t strings = strings_by_header(blob);
    if (!Salvage{blob, strings}.knows_names())
        strings = strings_behind_structure(blob);
    Salvage{blob, strings}.read(machine);
}

} // namespace percival
