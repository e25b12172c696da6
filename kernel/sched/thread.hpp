// SPDX-License-Identifier: BSD-2-Clause
// A thread of the kernel: a stack, a priority, the CPUs it may run on.
//
//      auto worker = start_thread("worker", [&] { … });     // the closure lives until the thread is joined
//      join(*worker);
//
// Starting and joining need a context that may block (kernel/sched/scheduler.hpp). A thread ends when its
// function returns; nothing that it held is released for it. Every thread is joined exactly once, which frees
// it.
//
// INV-thread-1: state, cpu and affinity change under the lock of the queue of `cpu`
//               (kernel/sched/run_queue.hpp). While the state is Moving, only the code that set it changes
//               `cpu` and the state. So what others do under that lock is done before the thread goes on.
// INV-thread-2: the thread pointer of a CPU points to the thread that it runs, from the first C++ on.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "kernel/lib/list.hpp"
#include "kernel/sched/completion.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/sync/thread_context.hpp"
#include "mm/percpu/percpu.hpp"

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

namespace percival {

// Higher numbers run first. Threads of the same priority share the time.
enum class Priority : u8 { Idle = 0, Low = 8, Normal = 16, High = 24, Highest = 31 };

enum class ThreadState : u8 {
    Running,
    Ready,   // on its CPU's queue
    Moving,  // on the way to a queue
    Blocked, // until wake()
    Exited,
};

// The context comes first, because the thread pointer points to it.
struct Thread : ThreadContext, ListLink<> {
    constexpr Thread() = default;
    constexpr Thread(std::string_view thread_name, Priority thread_priority, CpuSet may_run_on)
        : priority{thread_priority}, affinity{may_run_on}, name{thread_name}
    {
    }

    Priority priority{Priority::Normal};
    ThreadState state{ThreadState::Running};
    bool wake_pending{false};           // it was woken while it was not blocked
    u32 slice{0};                       // ticks it may still run while others of its priority wait
    std::atomic<u32> cpu{0};            // the CPU whose queue it belongs to
    std::optional<CpuId> destination{}; // the CPU it has to move to next
    CpuSet affinity{};

    std::string_view name{"?"};
    void (*function)(void*){nullptr};
    void* argument{nullptr};
    VirtRange stack{};
    Completion exited{};
    u64 migrations{0}; // how often it changed CPUs
};
// boot/start.S and the context switch make the address of a Thread the thread pointer.
static_assert(begins_with_preemption<Thread>());

// Returns the running thread (INV-thread-2). Any context; in an interrupt handler it is the interrupted
// thread.
inline Thread& current_thread()
{
    return static_cast<Thread&>(preemption());
}

// The threads that CPUs start as. boot/start.S makes the thread pointer point to them.
extern "C" {
extern Thread boot_thread;         // of the boot CPU: runs the start-up, then the tests
extern PerCpu<Thread> idle_thread; // of each CPU, used by its global address: runs when no other thread does
}

enum class ThreadError : u8 { NoMemory, NoStack };

struct ThreadOptions {
    Priority priority{Priority::Normal};
    CpuSet affinity{CpuSet::all()};
};

namespace thread_detail {

std::expected<Thread*, ThreadError> start(std::string_view name, void (*function)(void*), void* argument,
                                          const ThreadOptions& options);

} // namespace thread_detail

// Starts a thread that calls `f()`. The caller keeps `name` and `f` alive until the thread is joined.
template <class F>
std::expected<Thread*, ThreadError> start_thread(std::string_view name, F& f,
                                                 const ThreadOptions& options = {})
{
    return thread_detail::start(
        name, [](void* erased) { (*static_cast<std::remove_reference_t<F>*>(erased))(); },
        const_cast<void*>(static_cast<const volatile void*>(std::addressof(f))), options);
}

// Waits until the thread has ended, and frees it. Blocks.
void join(Thread& thread);

} // namespace percival
