// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/sched/completion.hpp"

#include "kernel/sched/thread.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"

namespace percival {

void Completion::complete()
{
    const PreemptGuard pin; // a woken thread runs here only after the lock is given back
    const IrqSpinGuard guard{lock_};
    done_.store(true, std::memory_order_release);
    while (Waiter* waiter = waiters_.pop_front())
        wake(waiter->thread);
}

void Completion::wait()
{
    Waiter waiter{current_thread()};
    for (;;) {
        {
            const IrqSpinGuard guard{lock_};
            if (done_.load(std::memory_order_relaxed))
                return; // `waiter` is on no list: complete() removed it
            if (!waiter.is_linked())
                waiters_.push_back(waiter);
        }
        block();
    }
}

} // namespace percival
