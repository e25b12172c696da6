// SPDX-License-Identifier: BSD-2-Clause
// Maps the registers of the interrupt controller that the device tree describes. Boot CPU, once.
#pragma once

#include "arch/devices/interrupt_controller.hpp"

namespace percival {

// Maps what a controller of the described version has. An error is a sentence for the console. Sizes are the
// driver's business: it refuses a range that is too small, so an empty one is no error here.
std::expected<arch::GicRegisters, std::string_view> map_gic_registers(const GicDescription& gic);

} // namespace percival
