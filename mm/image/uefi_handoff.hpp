// SPDX-License-Identifier: BSD-2-Clause
// What the kernel takes from UEFI firmware beside the device tree. The stub (boot/uefi/stub.cpp) writes it
// into the copy of the image that will run. It stays empty if another loader started the kernel. Constant
// once the kernel runs; any context.
#pragma once

#include "kernel/firmware/firmware_facts.hpp"
#include "kernel/firmware/firmware_memory.hpp"

#include <array>

namespace percival::boot {

struct UefiHandoff {
    static constexpr std::size_t kMaxArguments = 2048; // bytes

    bool is_given{false};
    u64 random_seed{0};
    FirmwareMemory memory{};
    std::size_t argument_bytes{0};
    std::array<char, kMaxArguments> arguments{};

    FirmwareFacts facts() const { return {memory.ranges(), {arguments.data(), argument_bytes}, random_seed}; }
};

extern UefiHandoff uefi_handoff;

} // namespace percival::boot
