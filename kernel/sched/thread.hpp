// SPDX-License-Identifier: BSD-2-Clause
// A thread of the kernel: a stack, a priority, the CPUs it may run on.
//
//      auto worker = start_thread("worker", [&] { … });     // the closure lives until the thread is joined
//      join(*worker);
//
// Starting and joining need a context that may block (kernel/sched/scheduler.hpp). A thread ends by returning; what
// it held is its own business. Every thread is joined by somebody, once: that frees it.
//
// INV-thread-1: state, cpu and affinity change under the lock of the queue of `cpu` (kernel/sched/run_queue.hpp),
//               but for cpu while the state is Moving: then whoever made it so owns the thread.
// INV-thread-2: the thread pointer of a CPU is the thread it runs, from the first C++ on.
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

// Higher numbers go first. Among equals time is shared.
enum class Priority : u8 { Idle = 0, Low = 8, Normal = 16, High = 24, Highest = 31 };

enum class ThreadState : u8 {
    Running,
    Ready,   // on its CPU's queue
    Moving,  // on the way to a queue
    Blocked, // until somebody wakes it
    Exited,
};

// The context comes first: it is where the thread pointer points.
struct Thread : ThreadContext, ListLink<> {
    constexpr Thread() = default;
    constexpr Thread(std::string_view its_name, Priority its_priority, CpuSet may_run_on)
        : priority{its_priority}, affinity{may_run_on}, name{its_name}
    {
    }

    Priority priority{Priority::Normal};
    ThreadState state{ThreadState::Running};
    bool wake_pending{false};           // woken while it was not blocked
    u32 slice{0};                       // ticks it may still run while others of its priority wait
    std::atomic<u32> cpu{0};            // whose queue it belongs to
    std::optional<CpuId> destination{}; // where it wants to go
    CpuSet affinity{};

    std::string_view name{"?"};
    void (*function)(void*){nullptr};
    void* argument{nullptr};
    VirtRange stack{};
    Completion exited{};
    u64 migrations{0}; // how often it changed CPUs
};

// The running one.
inline Thread& current_thread()
{
    return static_cast<Thread&>(preemption());
}

// What a CPU runs from its first instruction on. boot/start.S makes the thread pointer point to it.
extern "C" {
extern Thread boot_thread;         // the boot CPU's: the start-up, then the tests
extern PerCpu<Thread> idle_thread; // each CPU's, by its global address: runs when nothing else does
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

// `name` and `f` live until the thread is joined.
template <class F>
std::expected<Thread*, ThreadError> start_thread(std::string_view name, F& f,
                                                 const ThreadOptions& options = {})
{
    return thread_detail::start(
        name, [](void* erased) { (*static_cast<std::remove_reference_t<F>*>(erased))(); },
        const_cast<void*>(static_cast<const volatile void*>(std::addressof(f))), options);
}

// Waits until the thread has ended and frees it. Blocks.
void join(Thread& thread);

} // namespace percival
