// SPDX-License-Identifier: BSD-2-Clause
// Work for later: a function that a worker thread calls, where it may block.
//
//      Work work{&refill, &pool};
//      queue_work(work);                        // on whatever CPU is free
//      queue_work_on(cpu, work);                // on that one, in the order it was queued
//      DelayedWork later{&refill, &pool};
//      queue_delayed_work(later, nanoseconds);
//      flush_work(work);                        // waits until it is neither queued nor running
//
// Queueing is for any context; flushing blocks. A work that is queued already is not queued twice; it may queue
// itself again. It never runs twice at the same time in one of the two ways. It must not be freed before a
// flush or a cancel has returned, nor by its own function.
//
// Work queued on a CPU that is offline runs on another one.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/wait/wait_queue.hpp"

#include <optional>
#include <string_view>

namespace percival {

class Workers;

class Work : public ListLink, Immovable {
public:
    constexpr Work() = default;
    constexpr Work(void (*function)(void*), void* argument) : function_{function}, argument_{argument} {}
    // Only while it is neither queued nor running.
    void set(void (*function)(void*), void* argument)
    {
        function_ = function;
        argument_ = argument;
    }

private:
    friend class Workers;

    void (*function_)(void*){nullptr};
    void* argument_{nullptr};
    bool running_{false};                    // under the lock of its workers
    std::atomic<Workers*> workers_{nullptr}; // where it was queued last
    friend void flush_work(Work& work);
    friend bool cancel_work(Work& work);
};

// A queue and the threads that serve it.
class Workers : Immovable {
public:
    constexpr Workers() = default;

    // Whether it was not queued already.
    bool queue(Work& work);
    bool cancel(Work& work);
    void flush(Work& work);
    // What each of the threads runs, for good.
    [[noreturn]] void serve();

private:
    Work* take() PERCIVAL_REQUIRES(lock_);

    SpinLock lock_;
    List<Work> queued_ PERCIVAL_GUARDED_BY(lock_){};
    WaitQueue idle_;     // workers with nothing to do
    WaitQueue flushing_; // who waits for a work to end
};

bool queue_work(Work& work);
bool queue_work_on(CpuId cpu, Work& work);
void flush_work(Work& work);
// Whether it was queued and now never runs. Waits until it does not run.
bool cancel_work(Work& work);

class DelayedWork : Immovable {
public:
    DelayedWork(void (*function)(void*), void* argument)
        : work_{function, argument}, timer_{&DelayedWork::ring, this}
    {
    }

private:
    friend void queue_delayed_work(DelayedWork& work, u64 nanoseconds);
    friend void flush_delayed_work(DelayedWork& work);
    friend bool cancel_delayed_work(DelayedWork& work);
    static void ring(void* self);

    Work work_;
    Timer timer_;
    Completion ringing_{};
};

// Queues it once the time has come. It is not waiting yet.
void queue_delayed_work(DelayedWork& work, u64 nanoseconds);
// Waits until it has run.
void flush_delayed_work(DelayedWork& work);
// Whether it was still waiting, or queued, and now never runs. Waits until it does not run.
bool cancel_delayed_work(DelayedWork& work);

// Starts the threads. Boot CPU, once, when all CPUs are up.
void start_workers();

} // namespace percival
