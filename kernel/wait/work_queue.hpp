// SPDX-License-Identifier: BSD-2-Clause
// Work for later: a function that a worker thread calls, where it may block.
//
//      Work work{&refill, &pool};
//      work.queue();                            // on whatever CPU is free
//      work.queue_on(cpu);                      // on that one, in the order it was queued
//      DelayedWork later{&refill, &pool};
//      later.queue(nanoseconds);
//      work.flush();                            // waits until it is neither queued nor running
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

class Work : public ListLink<>, Immovable {
public:
    constexpr Work() = default;
    constexpr Work(void (*function)(void*), void* argument) : function_{function}, argument_{argument} {}
    // Only while it is neither queued nor running.
    void set(void (*function)(void*), void* argument)
    {
        function_ = function;
        argument_ = argument;
    }

    // Whether it was not queued already.
    bool queue();
    bool queue_on(CpuId cpu);
    void flush();
    // Whether it was queued and now never runs. Waits until it does not run.
    bool cancel();

private:
    friend class Workers;

    void (*function_)(void*){nullptr};
    void* argument_{nullptr};
    bool running_{false};                    // under the lock of its workers
    std::atomic<Workers*> workers_{nullptr}; // where it was queued last
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

// Work that is queued once a time has come. No user in the kernel yet.
class DelayedWork : Immovable {
public:
    DelayedWork(void (*function)(void*), void* argument)
        : work_{function, argument}, timer_{&DelayedWork::ring, this}
    {
    }

    // Queues it once the time has come. It is not waiting yet.
    void queue(u64 nanoseconds);
    // Waits until it has run.
    void flush();
    // Whether it was still waiting, or queued, and now never runs. Waits until it does not run.
    bool cancel();

private:
    static void ring(void* self);

    Work work_;
    Timer timer_;
    Completion ringing_{};
};

// Starts the threads. Boot CPU, once, when all CPUs are up.
void start_workers();

} // namespace percival
