// SPDX-License-Identifier: BSD-2-Clause
// The version of mm/objects/small_objects.hpp for CPUs that the explorer interleaves: what a CPU that goes
// off calls.
#pragma once

namespace percival::mm {

void drain_object_stock();

} // namespace percival::mm
