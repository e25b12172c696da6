// SPDX-License-Identifier: BSD-2-Clause
// A starting state for measurements that depends on what is in use, and not on what ran before.
#pragma once

#include "kernel/wait/work_queue.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "tests/kernel/support/drain.hpp"

#include <array>

namespace percival {

// Empties the stocks and caches of all CPUs, waits for the worker of the percpu allocator, and does what it
// would do later. In a thread, with interrupts unmasked.
inline void settle_memory()
{
    percpu::finish_balance();
    drain_all_percpu_stocks();
    empty_percpu_depots();
    percpu::store().balance();
    release_all_spares();
    mm::flush_freed();
    drain_all_object_stocks();
    drain_all_page_caches();
}

// No work that is queued for any CPU runs during the lifetime of the object: whoever queues it does it
// himself, or it waits. Otherwise it would run on another CPU at some time during a measurement, and how much
// of it is done by when would depend on the phase of everything else. In a thread.
class WorkWaits : Immovable {
public:
    WorkWaits()
    {
        for (Work& work : works_) {
            work.set([](void* over) { static_cast<Completion*>(over)->wait(); }, &over_);
            work.queue();
        }
    }
    ~WorkWaits()
    {
        over_.complete();
        for (Work& work : works_)
            work.flush();
    }

private:
    // At least as many as there are threads that serve the queue. Those that find no thread wait in the queue
    // before everything that comes later.
    static constexpr std::size_t kWorks = 8;

    Completion over_{};
    std::array<Work, kWorks> works_{};
};

} // namespace percival
