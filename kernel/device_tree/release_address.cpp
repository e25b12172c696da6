// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/device_tree/release_address.hpp"

#include <algorithm>

namespace percival {

std::optional<std::string_view> release_address_problem(const MachineDescription& machine, PhysRange image,
                                                        PhysAddr address)
{
    constexpr Bytes kDoubleword{sizeof(u64)};
    const PhysRange written{address, kDoubleword};
    const auto is_written = [&](const auto& memory) { return memory.range.contains(written); };

    if (address == PhysAddr{0})
        return "is 0: the loader has not filled it in";
    if (!address.is_aligned(kDoubleword))
        return "is not the address of a doubleword";
    if (!std::ranges::any_of(machine.memory.span(), is_written) &&
        !std::ranges::any_of(machine.reserved.span(), is_written))
        return "is neither in memory nor in reserved memory";
    if (image.overlaps(written))
        return "is in the kernel's own image";
    return std::nullopt;
}

} // namespace percival
