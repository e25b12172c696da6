// SPDX-License-Identifier: BSD-2-Clause
// Firmware whose answers are written down, and which notes its calls (arch/arm64/devices/smccc.hpp).
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <map>
#include <vector>

namespace percival {

struct Firmware {
    struct Call {
        PsciConduit conduit;
        u32 function;
        std::array<u64, 3> arguments;
        bool operator==(const Call&) const = default;
    };
    std::map<u32, u64> answers{}; // what is not in it is not supported
    std::vector<Call> calls{};
};

inline Firmware firmware;

} // namespace percival
