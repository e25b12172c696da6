// SPDX-License-Identifier: BSD-2-Clause
// The steps of the litmus shapes on the kernel's own pages.
#pragma once

#include "kernel/probes/shape_steps.hpp"

#include <span>

namespace percival {

struct NamedSteps {
    std::string_view name;
    ShapeSteps steps;
};

// The steps of each of kLitmusShapes, in its order.
std::span<const NamedSteps> litmus_steps();

} // namespace percival
