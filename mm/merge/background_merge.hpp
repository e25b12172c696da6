// SPDX-License-Identifier: BSD-2-Clause
// Merges the linear map back in the background, a second after set_memory() has changed it
// (mm/set_memory/linear_merge.hpp).
#pragma once

namespace percival::mm {

// Starts to serve requests for merges. Boot CPU, once, after start_workers().
void start_merging();

// Merges at once what has changed. Threads.
void merge_now();

} // namespace percival::mm
