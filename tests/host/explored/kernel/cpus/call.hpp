// SPDX-License-Identifier: BSD-2-Clause
// The version of kernel/cpus/call.hpp for CPUs that the explorer interleaves: a CPU that may be asked says
// where it takes the interrupt, by await_call().
#pragma once

#include "explored/support/explored_kernel.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "mm/percpu/percpu.hpp"

namespace percival {

struct Request {
    void (*function)(void*){nullptr};
    void* argument{nullptr};
    bool done{false};
};
inline PerCpu<Request> requests;

class Broadcast : Immovable {
public:
    ~Broadcast()
    {
        asked_.for_each([](CpuId cpu) {
            testing::explored->explorer.wait_until(&requests.on(cpu),
                                                   [cpu] { return requests.on(cpu).done; });
        });
    }

    void ask(void (*function)(void*), void* argument)
    {
        for (u32 index = 0; index < possible_cpu_count(); ++index) {
            const CpuId cpu{index};
            if (cpu == this_cpu_id() || testing::explored->is_off.at(index))
                continue;
            asked_.add(cpu);
            testing::explored->store(&requests.on(cpu), std::memory_order_release);
            requests.on(cpu) = {function, argument};
        }
    }
    const CpuSet& asked() const { return asked_; }

private:
    CpuSet asked_;
};

// Asks `cpu` for nothing, unless it has been asked already, so that await_call() ends there in any case.
inline void ask_for_nothing(CpuId cpu)
{
    Request& request = requests.on(cpu);
    testing::explored->store(&request, std::memory_order_release);
    if (request.function == nullptr)
        request.function = [](void*) {};
}

// Waits until the calling CPU is asked.
inline void await_call()
{
    Request& own = requests.on(this_cpu_id());
    testing::explored->explorer.wait_until(&own, [&own] { return own.function != nullptr; });
    testing::explored->machine.acquire(&own, testing::ExploredKernel::Machine::Taking::Load);
}

// Runs what the calling CPU was asked to run.
inline void answer_call()
{
    Request& own = requests.on(this_cpu_id());
    own.function(own.argument);
}

// Says that the calling CPU's answer is over.
inline void end_call()
{
    Request& own = requests.on(this_cpu_id());
    testing::explored->store(&own, std::memory_order_release);
    own.done = true;
}

void run_queued_calls();

} // namespace percival
