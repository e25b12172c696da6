// SPDX-License-Identifier: BSD-2-Clause
// A function's list of capabilities (PCI Local Bus Specification 3.0, 6.7). Any context.
#pragma once

#include "kernel/pci/function.hpp"

namespace percival {

struct PciCapability {
    static constexpr u8 kVendorSpecific = 0x09;

    u8 id{0};
    u8 offset{0}; // in the configuration space; at least 4 bytes of it are there
};

// Calls visit(PciCapability) for each capability. Returns false if the list leaves its part of the
// configuration space or does not end: each entry takes 4 bytes, so no more than these fit in it.
template <class Visit>
[[nodiscard]] bool for_each_capability(const PciFunction& function, Visit visit)
{
    constexpr u8 kEntryMask = 0xfc; // the low bits are reserved
    if (!function.has_capabilities())
        return true;
    u8 at = function.first_capability() & kEntryMask;
    for (u32 left = (PciFunction::kCapabilityEnd - PciFunction::kHeaderEnd) / 4; at != 0; --left) {
        if (at < PciFunction::kHeaderEnd || left == 0)
            return false;
        visit(PciCapability{function.read8(at), at});
        at = function.read8(at + 1u) & kEntryMask;
    }
    return true;
}

} // namespace percival
