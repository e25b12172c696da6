// SPDX-License-Identifier: BSD-2-Clause
// kernel/wait/wait_queue.hpp and what is made of it, and completions, with weakly ordered memory.
#include "kernel/sched/completion.hpp"
#include "kernel/wait/mutex.hpp"
#include "kernel/wait/rw_lock_guards.hpp"
#include "kernel/wait/wait_queue.hpp"
#include "memory_order/support/judge.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace percival::testing {
namespace {

// These have many steps: any two deviations suffice to see each order.
constexpr Bounds kTwo{.deviations = 2};

struct OneWaiter {
    static constexpr u32 kCpus = 2;
    WaitQueue queue;
    std::atomic<u32> ready{0};

    void run(u32 cpu)
    {
        if (cpu == 0) {
            queue.wait_until([this] { return ready.load(std::memory_order_relaxed) != 0; });
        } else {
            ready.store(1, std::memory_order_relaxed);
            queue.wake_one();
        }
    }
    std::string verdict() const { return ""; }
};

TEST(WaitQueueOrder, NoWakeUpIsLost)
{
    EXPECT_EQ(judge<OneWaiter>({"kernel/wait/wait_queue.hpp"}, kTwo), "");
}

// Two threads count under a mutex, which one of them has to wait for.
struct UnderMutex {
    static constexpr u32 kCpus = 2;
    Mutex mutex;
    u32 count{0};

    void run(u32)
    {
        const MutexGuard guard{mutex};
        ++count;
    }
    std::string verdict() const { return count == kCpus ? "" : "two threads held the mutex"; }
};

TEST(WaitQueueOrder, AHolderOfAMutexSeesWhatTheOneBeforeItDid)
{
    EXPECT_EQ(judge<UnderMutex>({"kernel/wait/mutex.hpp"}, kTwo), "");
}

// One writes twice, the other one reads, and leaves a mark of its own.
struct UnderRwLock {
    static constexpr u32 kCpus = 2;
    RwLock lock;
    u32 low{0};
    u32 high{0};
    u32 mark{0};
    u32 read_low{0};
    u32 read_high{0};
    u32 read_mark{0};

    void run(u32 cpu)
    {
        if (cpu == 0) {
            const WriteGuard guard{lock};
            read_mark = mark;
            low = 1;
            high = 1;
        } else {
            const ReadGuard guard{lock};
            mark = 1;
            read_low = low;
            read_high = high;
        }
    }
    std::string verdict() const
    {
        if (read_low != read_high)
            return "a reader sees half of a write";
        return read_mark == 0 && read_low == 0 ? "neither of two holders sees what the other one did" : "";
    }
};

TEST(WaitQueueOrder, ReadersAndWritersSeeWhatThoseBeforeThemDid)
{
    EXPECT_EQ(judge<UnderRwLock>({"kernel/wait/rw_lock.hpp"}, kTwo), "");
}

// The waiter may free the completion as soon as it returns.
struct FreedCompletion {
    static constexpr u32 kCpus = 2;
    Completion completion;
    u32 result{0};
    u32 seen{0};

    void run(u32 cpu)
    {
        if (cpu == 0) {
            completion.wait();
            seen = result;
            order_explorer().say_gone(&completion, sizeof(completion));
        } else {
            result = 1;
            completion.complete();
        }
    }
    std::string verdict() const { return seen == 1 ? "" : "a waiter does not see what was completed"; }
};

TEST(WaitQueueOrder, ACompletionIsNotTouchedAfterItsWaiterHasReturned)
{
    EXPECT_EQ(judge<FreedCompletion>({"kernel/sched/completion.cpp"}, kTwo), "");
}

} // namespace
} // namespace percival::testing
