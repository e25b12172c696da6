// SPDX-License-Identifier: BSD-2-Clause
// What the explorer's CPUs do when they take an IPI or switch threads. Scenarios say so when they are set up.
#pragma once

#include "arch/devices/interrupt_controller.hpp"
#include "kernel/lib/types.hpp"

#include <array>

namespace percival::testing {

using Handler = void (*)();

inline constinit std::array<Handler, 5> ipi_handlers{};
inline constinit Handler switch_handler{nullptr};

inline void handle_ipi(arch::Ipi ipi, Handler handler)
{
    ipi_handlers[static_cast<u8>(ipi)] = handler;
}

} // namespace percival::testing
