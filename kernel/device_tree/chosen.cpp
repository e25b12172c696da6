// SPDX-License-Identifier: BSD-2-Clause
// Reads the machine's name and what the loader put into /chosen: boot arguments, random seeds and the console
// (Devicetree Specification 0.4, 3.2, 3.3 and 3.6; dt-schema's chosen.yaml defines the seeds).
#include "kernel/device_tree/reader.hpp"
#include "kernel/lib/text.hpp"

namespace percival::device_tree {
namespace {

// Folds `bytes` into `seed` by FNV-1a. Every byte influences the result, which is as secret as the seed.
u64 fold(u64 seed, std::span<const std::byte> bytes)
{
    for (std::byte b : bytes)
        seed = (seed ^ std::to_integer<u64>(b)) * 0x100'0000'01b3;
    return seed;
}

bool is_zero(std::span<const std::byte> bytes)
{
    for (std::byte b : bytes) {
        if (b != std::byte{0})
            return false;
    }
    return true;
}

std::string_view alias_target(const DeviceTreeView& tree, std::string_view name)
{
    const auto aliases = tree.child(tree.root(), "aliases");
    if (!aliases)
        return {};
    const auto alias = tree.property_named(*aliases, name);
    if (!alias)
        return {};
    return alias->text().value_or("");
}

} // namespace

DeviceTreeResult<void> read_identity(const DeviceTreeView& tree, MachineDescription& machine)
{
    const auto compatible = tree.text_or_empty(tree.root(), "compatible");
    if (!compatible)
        return std::unexpected(compatible.error());
    machine.compatible = *compatible;

    const auto model = tree.text_or_empty(tree.root(), "model");
    if (!model)
        return std::unexpected(model.error());
    if (!model->empty())
        machine.model = *model;
    else if (!compatible->empty())
        machine.model = *compatible;
    return {};
}

DeviceTreeResult<void> read_chosen(const DeviceTreeView& tree, MachineDescription& machine)
{
    const auto chosen = tree.child(tree.root(), "chosen");
    if (!chosen)
        return {};
    const auto arguments = tree.text_or_empty(*chosen, "bootargs");
    if (!arguments)
        return std::unexpected(arguments.error());
    machine.boot_arguments = *arguments;

    // A loader that has consumed a seed overwrites it with zeros.
    constexpr u64 kStart = 0xcbf2'9ce4'8422'2325;
    u64 seed = kStart;
    if (const auto given = tree.property(*chosen, "rng-seed"); given && !is_zero(given->bytes()))
        seed = fold(seed, given->bytes());
    if (const auto given = tree.property(*chosen, "kaslr-seed"); given && !is_zero(given->bytes()))
        seed = fold(seed, given->bytes());
    machine.random_seed = seed == kStart ? 0 : seed;
    return {};
}

std::optional<DeviceTreeNode> console_node(const DeviceTreeView& tree, MachineDescription& machine)
{
    const auto chosen = tree.child(tree.root(), "chosen");
    if (!chosen)
        return std::nullopt;
    auto stdout_path = tree.property(*chosen, "stdout-path");
    if (!stdout_path)
        stdout_path = tree.property(*chosen, "linux,stdout-path"); // trees older than the binding
    if (!stdout_path)
        return std::nullopt;
    // Options such as ":115200n8" follow the path. An alias of an alias is not followed, so there are no
    // cycles.
    const std::string_view named = stdout_path->text().value_or("");
    std::string_view path = slice(named, 0, named.find(':'));
    if (!path.starts_with('/'))
        path = alias_target(tree, path);
    const auto node = tree.find(path);
    if (!node)
        note(machine, tree.error(*chosen, "stdout-path", "names no node"));
    return node;
}

} // namespace percival::device_tree
