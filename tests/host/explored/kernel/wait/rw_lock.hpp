// SPDX-License-Identifier: BSD-2-Clause
// The version of kernel/wait/rw_lock.hpp for CPUs that the explorer interleaves: a CPU that wants the lock
// stops until it may have it.
#pragma once

#include "explored/support/explored_kernel.hpp"
#include "kernel/lib/thread_annotations.hpp"

namespace percival {

class PERCIVAL_CAPABILITY("mutex") RwLock : Immovable {
public:
    constexpr RwLock() = default;

    void lock() PERCIVAL_ACQUIRE()
    {
        take([this] { return !is_written_ && readers_ == 0; });
        is_written_ = true;
    }
    void unlock() PERCIVAL_RELEASE()
    {
        testing::explored->store(this, std::memory_order_release);
        is_written_ = false;
    }
    void lock_shared() PERCIVAL_ACQUIRE_SHARED()
    {
        take([this] { return !is_written_; });
        ++readers_;
    }
    void unlock_shared() PERCIVAL_RELEASE_SHARED()
    {
        testing::explored->store(this, std::memory_order_release);
        --readers_;
    }

private:
    template <class IsFree>
    void take(IsFree is_free)
    {
        testing::explored->explorer.wait_until(this, is_free);
        testing::explored->machine.acquire(this, testing::ExploredKernel::Machine::Taking::Exchange);
    }

    bool is_written_{false};
    u32 readers_{0};
};

} // namespace percival
