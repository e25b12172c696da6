// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sync/rcu.hpp"

#include "arch/devices/interrupt_controller.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/wait/mutex.hpp"
#include "kernel/wait/work_queue.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/this_cpu.hpp"

#include <atomic>

namespace percival::rcu {
namespace {

// Not 0 while synchronize() waits for this CPU to report.
PERCIVAL_PERCPU PerCpu<u32> report_wanted{};

// Held by synchronize(), which runs once at a time.
constinit Mutex synchronize_lock;
// How many CPUs synchronize() still waits for. Set by the thread that holds synchronize_lock; the CPUs that
// report count it down without the lock.
constinit std::atomic<u32> outstanding{0};
constinit WaitQueue all_have_reported;

constinit SpinLock callbacks_lock;
constinit Callback* callbacks PERCIVAL_GUARDED_BY(callbacks_lock){nullptr};

// Reports a quiescent state of this CPU if synchronize() wants one.
void report()
{
    if (report_wanted.xchg(0) == 0)
        return;
    // Release: what the readers of this CPU did comes before what synchronize()'s caller does next. Acquire:
    // a reader that begins from now on does not find what the caller had unlinked before it counted this CPU.
    if (outstanding.fetch_sub(1, std::memory_order_acq_rel) == 1)
        all_have_reported.wake_all();
}

void run_callbacks(void*)
{
    Callback* list;
    {
        const IrqSpinGuard guard{callbacks_lock};
        list = callbacks;
        callbacks = nullptr;
    }
    if (list == nullptr)
        return;
    synchronize();
    while (list != nullptr) {
        Callback* const next = list->next; // read first: the function may free the callback
        list->function(list);
        list = next;
    }
}

constinit Work callback_work{&run_callbacks, nullptr};

} // namespace

void synchronize()
{
    const MutexGuard guard{synchronize_lock};
    // A reader that begins after its CPU has reported no longer finds what the caller unlinked.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    outstanding.store(1, std::memory_order_relaxed); // counts this CPU until all others have been asked
    {
        const PreemptGuard pin; // no reader is under way on this CPU, or this thread could not run
        const CpuId self = this_cpu_id();
        for_each_online_cpu([self](CpuId cpu) {
            if (cpu == self)
                return;
            outstanding.fetch_add(1, std::memory_order_relaxed);
            // Release: the CPU may report as soon as it sees this, and is counted by then.
            std::atomic_ref{report_wanted.on(cpu)}.store(1, std::memory_order_release);
            arch::send_ipi(cpu, arch::Ipi::Quiesce);
        });
    }
    if (outstanding.fetch_sub(1, std::memory_order_acq_rel) != 1)
        all_have_reported.wait_until([] { return outstanding.load(std::memory_order_acquire) == 0; });
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void call(Callback& callback, void (*function)(Callback*))
{
    callback.function = function;
    {
        const IrqSpinGuard guard{callbacks_lock};
        callback.next = callbacks;
        callbacks = &callback;
    }
    callback_work.queue();
}

void wait_for_callbacks()
{
    callback_work.flush();
}

void report_or_ask()
{
    if (preemption().count == kInterruptCount)
        report();
    else
        preemption().due = 1; // switch_threads() will report
}

void note_quiescent_state()
{
    if (this_cpu<report_wanted>.read() != 0) [[unlikely]]
        report();
}

} // namespace percival::rcu
