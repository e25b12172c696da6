// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/thread.hpp"

#include "arch/threads/context_switch.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/vmalloc/stacks.hpp"

namespace percival {

extern "C" {
constinit Thread boot_thread{};
PERCIVAL_PERCPU_INITIALIZED PerCpu<Thread> idle_thread{};
}

namespace thread_detail {

std::expected<Thread*, ThreadError> start(std::string_view name, void (*function)(void*), void* argument,
                                          const ThreadOptions& options)
{
    const auto stack = allocate_thread_stack();
    if (!stack)
        return std::unexpected{ThreadError::NoStack};
    Thread* thread = mm::create<Thread>(name, options.priority, options.affinity);
    if (thread == nullptr) {
        free_thread_stack(*stack);
        return std::unexpected{ThreadError::NoMemory};
    }
    thread->function = function;
    thread->argument = argument;
    thread->stack = *stack;
    thread->stack_pointer = arch::first_context(stack->end());
    make_ready(*thread);
    return thread;
}

} // namespace thread_detail

void join(Thread& thread)
{
    thread.exited.wait();
    free_thread_stack(thread.stack);
    mm::destroy(&thread);
}

} // namespace percival
