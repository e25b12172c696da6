// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/damaged_structure.hpp"

#include "kernel/device_tree/device_tree.hpp"
#include "kernel/device_tree/tree_format.hpp"

#include <algorithm>

namespace percival {

using device_tree::kBeginNode, device_tree::kEnd, device_tree::kEndNode, device_tree::kNothing;
using device_tree::kProperty;

DamagedStructure::DamagedStructure(Value blob) : blob_{blob}, strings_{blob.size()}
{
    if (blob.size() >= kDeviceTreeHeaderBytes)
        strings_ = static_cast<std::size_t>(word(device_tree::Strings * kWord));
    const std::size_t by_header = strings_;
    const std::size_t behind = strings_behind_structure();
    if (behind == by_header)
        return;
    const std::size_t known = known_names();
    strings_ = behind;
    if (known_names() <= known)
        strings_ = by_header;
}

std::size_t DamagedStructure::strings_behind_structure() const
{
    const DeviceTreeProperty words{blob_};
    for (std::size_t at = 0; at + 1 < words.cells(); ++at) {
        if (words.number(at, 1) == kEndNode && words.number(at + 1, 1) == kEnd)
            return (at + 2) * kWord;
    }
    return blob_.size();
}

std::size_t DamagedStructure::known_names() const
{
    std::size_t known = 0;
    for_each_property([&known](std::string_view name, Value) { known += name == "compatible"; });
    return known;
}

bool DamagedStructure::is_node_name(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '@' ||
               c == ',' || c == '.' || c == '_' || c == '+' || c == '-';
    });
}

u64 DamagedStructure::word(std::size_t at) const
{
    return at + kWord <= blob_.size() ? DeviceTreeProperty{blob_.subspan(at, kWord)}.number(0, 1) : 0;
}

bool DamagedStructure::is_token(std::size_t at) const
{
    const u64 token = word(at);
    return (token >= kBeginNode && token <= kNothing) || token == kEnd;
}

std::string_view DamagedStructure::name_at(std::size_t at) const
{
    constexpr std::size_t kLongestName = 64;
    if (at >= blob_.size())
        return {};
    const Value room = blob_.subspan(at, std::min(kLongestName, blob_.size() - at));
    return DeviceTreeProperty{room}.text().value_or("");
}

u64 DamagedStructure::repaired_token(std::size_t at) const
{
    if (is_token(at))
        return word(at);
    if (is_node_name(name_at(at + kWord)) && fits(kBeginNode, at + kWord))
        return kBeginNode;
    // What begins or ends a node is hardly ever the length of a property.
    const u64 next = word(at + kWord);
    if ((next == kBeginNode || next == kEndNode) && is_followed_well(at + kWord))
        return kEndNode;
    return !property_name(at + kWord).empty() && fits(kProperty, at + kWord) ? kProperty : 0;
}

bool DamagedStructure::fits(u64 token, std::size_t at) const
{
    if (token == kBeginNode)
        return is_token(at + align_up(name_at(at).size() + 1));
    if (token == kProperty)
        return property_value(at).data() != nullptr;
    if (token == kEndNode) {
        const u64 next = word(at);
        return next == kBeginNode || next == kEndNode || next == kEnd;
    }
    return token == kNothing && is_token(at);
}

std::string_view DamagedStructure::property_name(std::size_t at) const
{
    return name_at(strings_ + static_cast<std::size_t>(word(at + kWord)));
}

DamagedStructure::Value DamagedStructure::property_value(std::size_t at) const
{
    const std::size_t from = at + 2 * kWord;
    if (from >= blob_.size())
        return {};
    const u64 size = word(at);
    if (size <= blob_.size() - from) {
        const std::size_t end = from + static_cast<std::size_t>(size);
        const std::size_t next = align_up(end);
        // The node's end may follow, and be damaged.
        if ((is_token(next) || fits(kEndNode, next + kWord)) && !has_node(from, end))
            return blob_.subspan(from, end - from);
    }
    // The length is damaged, and would swallow the nodes that follow: the value ends at the next token
    // that makes sense.
    constexpr std::size_t kLongestRepair = 64 * kWord;
    for (std::size_t end = from; end < from + kLongestRepair && end < blob_.size(); end += kWord) {
        if (is_followed_well(end))
            return blob_.subspan(from, end - from);
    }
    return {};
}

bool DamagedStructure::has_node(std::size_t from, std::size_t end) const
{
    constexpr std::size_t kFarthest = 1024 * kWord; // keeps the time proportional
    for (std::size_t at = from; at < std::min(end, from + kFarthest); at += kWord) {
        if (word(at) == kBeginNode && is_followed_well(at))
            return true;
    }
    return false;
}

bool DamagedStructure::is_followed_well(std::size_t at) const
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

std::size_t DamagedStructure::structure() const
{
    const std::size_t by_header = static_cast<std::size_t>(word(device_tree::Structure * kWord));
    if (by_header % kWord == 0 && word(by_header) == kBeginNode)
        return by_header;
    for (std::size_t at = kDeviceTreeHeaderBytes; at + 2 * kWord <= blob_.size(); at += kWord) {
        if (word(at) == kBeginNode && word(at + kWord) == 0)
            return at;
    }
    return kDeviceTreeHeaderBytes;
}

} // namespace percival
