// SPDX-License-Identifier: BSD-2-Clause
// Deferred work: a function that a worker thread calls later, in a context where it may block.
//
//      Work work{&refill, &pool};
//      work.queue();                            // runs on any CPU
//      work.queue_on(cpu);                      // runs on that CPU, in the order of the queueing
//      DelayedWork later{&refill, &pool};
//      later.queue(nanoseconds);                // queues it after that time
//      work.flush();                            // waits until it is neither queued nor running
//
// Any context may queue; flushing and cancelling block. A Work that is queued already is not queued a second
// time. Its function may queue it again. If it is always queued in the same way, it never runs twice at the
// same time. A Work must not be freed before a flush or a cancel has returned, nor by its own function.
//
// Work that is queued on an offline CPU runs on another CPU.
#pragma once

#include "kernel/lib/list.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/wait/wait_queue.hpp"

#include <optional>
#include <string_view>

namespace percival {

class Workers;

class Work : public ListLink<>, Immovable {
public:
    constexpr Work() = default;
    constexpr Work(void (*function)(void*), void* argument) : function_{function}, argument_{argument} {}
    // Sets the function. The Work must be neither queued nor running.
    void set(void (*function)(void*), void* argument)
    {
        function_ = function;
        argument_ = argument;
    }

    // Queue the work for any CPU, or for `cpu`. Return false if it was queued already.
    bool queue();
    bool queue_on(CpuId cpu);
    // Waits until the work is neither queued nor running.
    void flush();
    // Takes the work off its queue, and waits until it is not running. Returns whether it was queued: that
    // run then never happens.
    bool cancel();

private:
    friend class Workers;

    void (*function_)(void*){nullptr};
    void* argument_{nullptr};
    bool running_{false};                    // guarded by the lock of its Workers
    std::atomic<Workers*> workers_{nullptr}; // the Workers it was queued with last
};

// A queue of work and the threads that serve it.
class Workers : Immovable {
public:
    constexpr Workers() = default;

    // As the functions of Work.
    bool queue(Work& work);
    bool cancel(Work& work);
    void flush(Work& work);
    // Is the body of each worker thread.
    [[noreturn]] void serve();

private:
    Work* take() PERCIVAL_REQUIRES(lock_);

    SpinLock lock_;
    List<Work> queued_ PERCIVAL_GUARDED_BY(lock_){};
    WaitQueue idle_;     // worker threads with nothing to do
    WaitQueue flushing_; // threads that wait for a Work to end
};

// Work that is queued after a given time. The kernel itself does not use it yet.
class DelayedWork : Immovable {
public:
    DelayedWork(void (*function)(void*), void* argument)
        : work_{function, argument}, timer_{&DelayedWork::ring, this}
    {
    }

    // Queues the work in `nanoseconds`. It must not be waiting for an earlier time.
    void queue(u64 nanoseconds);
    // Waits until the time has come and the work has run.
    void flush();
    // Stops the work if its time has not come, or takes it off its queue, and waits until it is not running.
    // Returns whether that prevented a run.
    bool cancel();

private:
    static void ring(void* self);

    Work work_;
    Timer timer_;
    Completion ringing_{};
};

// Starts the worker threads. Boot CPU, once, when all CPUs are up.
void start_workers();

} // namespace percival
