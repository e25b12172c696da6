// SPDX-License-Identifier: BSD-2-Clause
// What an address means in the percpu areas. Any context.
#pragma once

#include "kernel/lib/address.hpp"

#include <optional>
#include <string_view>

namespace percival::percpu {

enum class AddressKind : u8 {
    None,     // no percpu address
    Static,   // a variable of the .percpu section
    Reserved, // of the first chunk's reserved part
    Dynamic,  // of a chunk
    Unused,   // in the areas, where there is no chunk
};

struct AddressInfo {
    AddressKind kind{AddressKind::None};
    VirtAddr local{};           // the local address it is, or is an alias of
    std::optional<CpuId> cpu{}; // whose copy a global address names; nothing for a local one
    bool allocated{false};      // an allocation that is in somebody's hands begins there
};

AddressInfo find_address(VirtAddr address);

inline bool is_address(VirtAddr address)
{
    const AddressKind kind = find_address(address).kind;
    return kind != AddressKind::None && kind != AddressKind::Unused;
}

// Why it cannot be freed, in words.
std::string_view describe(const AddressInfo& info);

// The physical address behind a CPU's copy of what a local address names, which any CPU may ask for; nothing
// where nothing is mapped.
std::optional<PhysAddr> to_phys(VirtAddr local, CpuId cpu);

} // namespace percival::percpu
