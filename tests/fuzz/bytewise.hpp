// SPDX-License-Identifier: BSD-2-Clause
// Choices that are drawn from a fuzzer's input.
#pragma once

#include "kernel/lib/types.hpp"

#include <span>

namespace percival::testing {

// Draws numbers from the fuzzer's bytes, and zeroes when no bytes are left.
struct Bytewise {
    std::span<const u8>* bytes;
    u64 operator()(u64 below) const
    {
        if (bytes->empty())
            return 0;
        const u64 value = bytes->front();
        *bytes = bytes->subspan(1);
        return value % below;
    }
};

} // namespace percival::testing
