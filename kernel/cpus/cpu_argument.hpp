// SPDX-License-Identifier: BSD-2-Clause
// Names of CPUs in boot arguments: `cpu0` is the boot CPU. Any context, also on the host.
#pragma once

#include "kernel/lib/number.hpp"
#include "kernel/lib/text.hpp"
#include "kernel/lib/types.hpp"

#include <optional>
#include <string_view>

namespace percival {

// Returns the CPU with that name on a machine with so many CPUs, or nothing.
inline std::optional<CpuId> cpu_named(std::string_view name, u32 cpus)
{
    constexpr std::string_view kPrefix = "cpu";
    if (!name.starts_with(kPrefix))
        return {};
    const std::string_view digits = slice(name, kPrefix.size());
    const auto number = number_in(digits);
    if (!number || *number >= cpus || digits.starts_with("0x"))
        return {};
    return CpuId{static_cast<u32>(*number)};
}

} // namespace percival
