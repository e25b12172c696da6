// SPDX-License-Identifier: BSD-2-Clause
// Looks up what an address in the percpu areas belongs to. Any context.
#pragma once

#include "kernel/lib/address.hpp"

#include <optional>
#include <string_view>

namespace percival::percpu {

enum class AddressKind : u8 {
    None,     // not in the percpu areas
    Static,   // in the .percpu section
    Reserved, // in the first chunk's reserved part
    Dynamic,  // in the allocatable part of a chunk
    Unused,   // in the percpu areas, but in none of these
};

struct AddressInfo {
    AddressKind kind{AddressKind::None};
    VirtAddr local{};           // the address itself, or the local address that it is the global alias of
    std::optional<CpuId> cpu{}; // the CPU whose copy a global address names; nothing for a local one
    bool allocated{false};      // an object that has been allocated and not freed begins there
};

// Returns what `address` belongs to.
AddressInfo find_address(VirtAddr address);

// Returns whether `address` lies in the static, the reserved or a dynamic part.
inline bool is_address(VirtAddr address)
{
    const AddressKind kind = find_address(address).kind;
    return kind != AddressKind::None && kind != AddressKind::Unused;
}

// Returns in words why the address cannot be freed.
std::string_view describe(const AddressInfo& info);

// Returns the physical address of `cpu`'s copy of the byte at the local address `local`. Any CPU may ask for
// any other. Returns nothing if no page is mapped there, if `local` is not a local address, or if `cpu` is
// not possible.
std::optional<PhysAddr> to_phys(VirtAddr local, CpuId cpu);

} // namespace percival::percpu
