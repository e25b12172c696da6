// SPDX-License-Identifier: BSD-2-Clause
// The window through which the image is written, on a machine without translation: the pages of its writable
// alias (tests/host/caches/image.hpp).
#pragma once

#include "kernel/lib/types.hpp"

#include <optional>

namespace percival {

inline u32 windows_opened = 0;

// Returns the distance from the image's start of what is written at `address`, or nothing if no open window
// shows that.
std::optional<u64> offset_in_window(u64 address);

} // namespace percival
