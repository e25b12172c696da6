// SPDX-License-Identifier: BSD-2-Clause
// The version of mm/percpu/this_cpu.hpp for CPUs that the explorer interleaves.
#pragma once

#include "mm/percpu/percpu.hpp"

namespace percival {

template <auto& Variable>
inline constexpr auto& this_cpu = Variable;

} // namespace percival
