// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/virtio/structures.hpp"

namespace percival {
namespace {

// The offsets of a capability's fields, and the kinds of structures.
constexpr u32 kLength = 0x2;
constexpr u32 kKind = 0x3;
constexpr u32 kBar = 0x4;
constexpr u32 kStructureOffset = 0x8;
constexpr u32 kStructureLength = 0xc;
constexpr u32 kSize = 0x10;
constexpr u32 kNotifyMultiplier = 0x10;
constexpr u32 kSizeOfNotify = 0x14;
constexpr u8 kKindCommon = 1;
constexpr u8 kKindNotify = 2;
constexpr u8 kKindDevice = 4;

constexpr u32 kCommonSize = 0x38; // up to and with queue_device
constexpr u32 kNotifySize = 2;

void look_at(const PciFunction& function, PciCapability capability, VirtioStructures& found)
{
    const u32 at = capability.offset;
    if (capability.id != PciCapability::kVendorSpecific || at + kSize > PciFunction::kCapabilityEnd)
        return;
    const u8 kind = function.read8(at + kKind);
    const bool is_notify = kind == kKindNotify;
    const u32 needed = is_notify ? kSizeOfNotify : kSize;
    VirtioStructure* structure = kind == kKindCommon   ? &found.common
                                 : is_notify           ? &found.notify
                                 : kind == kKindDevice ? &found.device
                                                       : nullptr;
    if (structure == nullptr || structure->length != 0 || function.read8(at + kLength) < needed ||
        at + needed > PciFunction::kCapabilityEnd || function.read8(at + kBar) >= kPciBars)
        return;
    *structure = {function.read8(at + kBar), function.read32(at + kStructureOffset),
                  function.read32(at + kStructureLength)};
    if (is_notify)
        found.notify_multiplier = function.read32(at + kNotifyMultiplier);
}

bool is_usable(const VirtioStructure& structure, u32 size, u32 alignment)
{
    return structure.length >= size && structure.offset % alignment == 0;
}

} // namespace

std::expected<VirtioStructures, std::string_view> find_virtio_structures(const PciFunction& function)
{
    VirtioStructures found;
    if (!for_each_capability(function,
                             [&](PciCapability capability) { look_at(function, capability, found); }))
        return std::unexpected("has a list of capabilities that does not end");
    if (!is_usable(found.common, kCommonSize, 4))
        return std::unexpected("has no common configuration of virtio 1");
    if (!is_usable(found.notify, kNotifySize, 2))
        return std::unexpected("has no place for notifications");
    if (!is_usable(found.device, 1, 4))
        return std::unexpected("has no configuration of its kind");
    return found;
}

PhysRange range_of(const VirtioStructure& structure, const PciBars& bars)
{
    const PhysRange bar = bars[structure.bar];
    const PhysRange range{bar.base + Bytes{structure.offset}, Bytes{structure.length}};
    return bar.contains(range) ? range : PhysRange{};
}

} // namespace percival
