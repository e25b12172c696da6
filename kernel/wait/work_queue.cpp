// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/wait/work_queue.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/sched/thread.hpp"
#include "mm/percpu/percpu.hpp"

#include <algorithm>

namespace percival {
namespace {

constexpr u32 kMaxUnboundWorkers = 4;

PERCIVAL_PERCPU_INITIALIZED PerCpu<Workers> bound{};
constinit Workers unbound;

void start_worker(std::string_view name, Workers& workers, const CpuSet& cpus)
{
    const auto thread = thread_detail::start(
        name, [](void* argument) { static_cast<Workers*>(argument)->serve(); }, &workers, {.affinity = cpus});
    if (!thread)
        panic("no memory for a worker thread");
}

} // namespace

bool Workers::queue(Work& work)
{
    {
        const IrqSpinGuard guard{lock_};
        if (work.is_linked())
            return false;
        work.workers_.store(this, std::memory_order_relaxed);
        queued_.push_back(work);
    }
    idle_.wake_one();
    return true;
}

// Takes the first queued work that is not running already, so that no work runs twice at the same time.
// Returns null if there is none.
Work* Workers::take()
{
    for (Work* work = queued_.front(); work != nullptr; work = List<Work>::next(*work)) {
        if (work->running_)
            continue;
        queued_.remove(*work);
        work->running_ = true;
        return work;
    }
    return nullptr;
}

void Workers::serve()
{
    for (;;) {
        Work* work = nullptr;
        idle_.wait_until([&] {
            const SpinGuard guard{lock_};
            work = take();
            return work != nullptr;
        });
        work->function_(work->argument_);
        bool again;
        {
            const IrqSpinGuard guard{lock_};
            work->running_ = false;
            again = work->is_linked();
        } // from here on the work may be freed by a thread whose flush() returns
        if (again)
            idle_.wake_one();
        flushing_.wake_all();
    }
}

void Workers::flush(Work& work)
{
    flushing_.wait_until([&] {
        const SpinGuard guard{lock_};
        return !work.is_linked() && !work.running_;
    });
}

bool Workers::cancel(Work& work)
{
    bool was_queued;
    {
        const IrqSpinGuard guard{lock_};
        was_queued = work.is_linked();
        if (was_queued)
            queued_.remove(work);
    }
    flush(work);
    return was_queued;
}

bool Work::queue()
{
    return unbound.queue(*this);
}

bool Work::queue_on(CpuId cpu)
{
    return bound.on(cpu).queue(*this);
}

void Work::flush()
{
    if (Workers* workers = workers_.load(std::memory_order_relaxed))
        workers->flush(*this);
}

bool Work::cancel()
{
    Workers* workers = workers_.load(std::memory_order_relaxed);
    return workers != nullptr && workers->cancel(*this);
}

void DelayedWork::ring(void* self)
{
    auto* work = static_cast<DelayedWork*>(self);
    work->work_.queue();
    work->ringing_.complete();
}

void DelayedWork::queue(u64 nanoseconds)
{
    ringing_.reset();
    timer_.start(nanoseconds);
}

void DelayedWork::flush()
{
    ringing_.wait();
    timer_.cancel(); // waits until the timer's function has returned
    work_.flush();
}

bool DelayedWork::cancel()
{
    return timer_.cancel() || work_.cancel();
}

void start_workers()
{
    // A CPU that comes later needs its worker, too. Until then the worker runs elsewhere.
    for (u32 index = 0; index < possible_cpu_count(); ++index)
        start_worker("worker", bound.on(CpuId{index}), CpuSet::only(CpuId{index}));
    for (u32 i = 0; i < std::min(online_cpu_count(), kMaxUnboundWorkers); ++i)
        start_worker("unbound worker", unbound, CpuSet::all());
}

} // namespace percival
