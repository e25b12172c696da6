// SPDX-License-Identifier: BSD-2-Clause
// Merges the linear map back to blocks and contiguous runs, some time after set_memory() has changed it.
//
// A merge right at the end of a change would split and merge again at every turn of a page that changes to
// and fro. So set_memory() only notes which addresses changed and requests a merge. mm/merge carries it out
// later.
//
// Nothing is merged where leaves do not change their size live, nor where the boot argument `linear` asks for
// pages, nor in vmalloc: there, the next mapping at the addresses gets new leaves anyway.
#pragma once

#include "mm/kernel_map/linear_map.hpp"

namespace percival::mm {

// Notes that pages of the linear map have changed. Needs linear_map_lock.
void note_linear_change(VirtRange range) PERCIVAL_REQUIRES(linear_map_lock);

// Requests a merge of what was noted. Any context, without linear_map_lock.
void request_linear_merge();

// From now on each request calls `function`, in the context of set_memory(). Boot CPU, once.
void use_merge_request(void (*function)());

// Merges what has changed since the last merge, one table of the last level after another, each under
// linear_map_lock. Threads, one at a time. No software may walk the linear map's tables meanwhile, except
// under linear_map_lock: tables are freed.
void merge_linear_map();

} // namespace percival::mm
