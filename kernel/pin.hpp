// SPDX-License-Identifier: BSD-2-Clause
// A Pin proves that its holder stays on this CPU: what needs that takes a `const Pin&`.
//
// Code runs to completion on the CPU it started on: there is no preemption yet that could move it, so a pin
// costs nothing. The places that need one say so already, by type.
#pragma once

namespace percival {

class Pin {
public:
    Pin() = default;
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
};

} // namespace percival
