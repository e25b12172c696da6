// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/wait/run_everywhere.hpp"

#include "kernel/lib/panic.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/wait/cpus_stay.hpp"
#include "kernel/wait/mutex.hpp"
#include "kernel/wait/work_queue.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival {
namespace {

// run_everywhere() has its own threads instead of the workers of work_queue.cpp, so that a function it runs
// may wait for work.
PERCIVAL_PERCPU_INITIALIZED PerCpu<Workers> everywhere{};
// Guarded by everywhere_lock. The thread-safety analysis cannot check that: it does not follow the lock into
// the lambdas that visit the CPUs.
PERCIVAL_PERCPU PerCpu<Work> everywhere_work{};
PERCIVAL_PERCPU PerCpu<const Thread*> everywhere_thread{};
constinit Mutex everywhere_lock;

} // namespace

bool is_thread_of_run_everywhere()
{
    // Such a thread never changes CPUs; any other thread differs from what it reads on whatever CPU.
    return everywhere_thread.read() == &current_thread();
}

void call_detail::run_everywhere(Function function, void* argument)
{
    const CpusStay cpus_stay;
    const MutexGuard guard{everywhere_lock};
    {
        // The thread of this CPU must not run before all others are told: the function may wait for another
        // CPU with interrupts masked.
        const PreemptGuard until_all_are_told;
        for_each_online_cpu([=](CpuId cpu) {
            Work& work = everywhere_work.on(cpu);
            work.set(function, argument);
            everywhere.on(cpu).queue(work);
        });
    }
    for_each_online_cpu([](CpuId cpu) { everywhere.on(cpu).flush(everywhere_work.on(cpu)); });
}

void start_everywhere_threads()
{
    // A CPU that comes later needs its thread, too. Until then the thread has nothing to do.
    for (u32 index = 0; index < possible_cpu_count(); ++index) {
        const CpuId cpu{index};
        const auto thread =
            thread_detail::start("everywhere", [](void* workers) { static_cast<Workers*>(workers)->serve(); },
                                 &everywhere.on(cpu), {.affinity = CpuSet::only(cpu)});
        if (!thread)
            panic("no memory for a thread of cpu{}", cpu);
        everywhere_thread.on(cpu) = *thread;
    }
}

} // namespace percival
