// SPDX-License-Identifier: BSD-2-Clause
// Searches a damaged device tree for what a refusal needs: a UART to print on, and a way to end the run. The
// result is a guess from whatever is still readable, so it serves nothing else.
//
// Any bytes will do (kernel/device_tree/damaged_structure.hpp). It uses no libfdt, and no table in memory, so
// boot code can call it when most of the image is missing (linker/kernel.lds.S).
#pragma once

#include "kernel/device_tree/machine.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace percival {

// Sets `uart`, `psci` and `boot_arguments` of `machine` where `blob` still has them, and leaves them as they
// are where it has not. Prefers the UART of the stdout-path. Boot only, also with the MMU off, and on the
// host.
void salvage_device_tree(std::span<const std::byte> blob, MachineDescription& machine);

// Returns how many bytes a tree with this header may have; 0 if it is no header of a device tree. Any one
// word of the header may be damaged, or any 8 bytes that leave half of the magic. `header` has
// kDeviceTreeHeaderBytes.
Bytes size_of_damaged_device_tree(std::span<const std::byte> header);

// Returns the conduits by which to ask the firmware for PSCI, one after the other: the one that the tree
// names. A tree that could not be read may have lost it. Nothing else ends the run then, so both are tried.
constexpr std::array<PsciConduit, 2> psci_conduits_to_ask(PsciConduit named, bool tree_is_read)
{
    if (named == PsciConduit::None && !tree_is_read)
        return {PsciConduit::Smc, PsciConduit::Hvc};
    return {named, PsciConduit::None};
}

} // namespace percival
