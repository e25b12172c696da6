// SPDX-License-Identifier: BSD-2-Clause
#include "mm/merge/background_merge.hpp"

#include "kernel/wait/linear_tables_stay.hpp"
#include "kernel/wait/work_queue.hpp"
#include "mm/set_memory/linear_merge.hpp"

#include <atomic>

namespace percival::mm {
namespace {

constexpr u64 kDelayInNanoseconds = 1'000'000'000;

// True from a request until the work for it begins.
constinit std::atomic<bool> is_requested{false};

constinit Work work{[](void*) {
                        // A change that comes after this requests another merge.
                        is_requested.store(false);
                        merge_now();
                    },
                    nullptr};
constinit Timer timer{[](void*) { work.queue(); }, nullptr};

void request()
{
    if (!is_requested.load(std::memory_order_relaxed) && !is_requested.exchange(true))
        timer.start(kDelayInNanoseconds);
}

} // namespace

void start_merging()
{
    use_merge_request(&request);
}

void merge_now()
{
    const LinearTablesStay for_others; // this frees tables
    merge_linear_map();
}

} // namespace percival::mm
