// SPDX-License-Identifier: BSD-2-Clause
// An RCU reader on another CPU that goes on until it is told to end. With it a test shows that a function
// waits for readers, whatever the speed of the machine.
#pragma once

#include "arch/cpu/processor.hpp"
#include "kernel/sync/rcu.hpp"
#include "tests/kernel/support/cpu_choice.hpp"
#include "tests/kernel/support/thread_group.hpp"

#include <atomic>

namespace percival {

class HeldReader : Immovable {
public:
    // Returns when the reader has begun. The caller is the tests' thread, and there is another CPU.
    HeldReader() : threads_{1, body_, [](u32) { return on_cpu(nth_online_cpu(1)); }}
    {
        while (!body_.reading.load())
            yield();
    }
    ~HeldReader() { end(); }

    void end() { body_.may_end.store(true); }
    // True before the reader has left its ReadGuard.
    bool has_ended() const { return body_.ended.load(); }
    // Returns whether a synchronize() waits for the reader: it has asked the reader's CPU to switch threads.
    bool was_asked() const { return body_.asked.load(); }

private:
    struct Body {
        std::atomic<bool> reading{false}, asked{false}, may_end{false}, ended{false};
        void operator()(u32)
        {
            const rcu::ReadGuard guard;
            reading.store(true);
            while (!may_end.load()) {
                if (std::atomic_ref{preemption().due}.load(std::memory_order_relaxed) != 0)
                    asked.store(true);
                arch::relax();
            }
            ended.store(true);
        }
    };

    Body body_;
    ThreadGroup<Body> threads_;
};

// Calls `wait()`, which has to block until all readers have ended, and expects that it does. The thread that
// ends the reader has a lower priority and runs on the caller's CPU only, so it runs when wait() blocks.
template <class F>
void expect_wait_for_readers(F wait)
{
    HeldReader reader;
    auto end = [&reader](u32) { reader.end(); };
    ThreadGroup group{1, end, [](u32) { return on_cpu(kBootCpu, Priority::Low); }};
    wait();
    EXPECT(reader.has_ended());
}

} // namespace percival
