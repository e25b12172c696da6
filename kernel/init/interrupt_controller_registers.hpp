// SPDX-License-Identifier: BSD-2-Clause
// Mapping the registers of the interrupt controller that the device tree describes.
#pragma once

#include "arch/devices/interrupt_controller.hpp"

namespace percival {

// Maps the registers that a controller of the described kind has. The error is a sentence for the console.
// Empty ranges are no error here, because the driver checks the sizes and refuses a range that is too small.
// Boot CPU, once.
std::expected<arch::InterruptControllerRegisters, std::string_view> map_interrupt_controller_registers(
    const InterruptControllerDescription& controller);

} // namespace percival
