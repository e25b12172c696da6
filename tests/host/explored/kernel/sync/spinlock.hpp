// SPDX-License-Identifier: BSD-2-Clause
// The version of kernel/sync/spinlock.hpp for CPUs that the explorer interleaves: a CPU that wants the lock
// stops until it is free.
#pragma once

#include "arch/cpu/processor.hpp"
#include "explored/support/explored_kernel.hpp"
#include "kernel/lib/thread_annotations.hpp"

namespace percival {

class PERCIVAL_CAPABILITY("mutex") SpinLock : Immovable {
public:
    constexpr SpinLock() = default;

    void lock() PERCIVAL_ACQUIRE()
    {
        testing::explored->explorer.wait_until(
            this, [this] { return !held_ || !testing::explored->locks_exclude; });
        testing::explored->machine.acquire(this, testing::ExploredKernel::Machine::Taking::Exchange);
        held_ = true;
    }
    [[nodiscard]] bool try_lock() PERCIVAL_TRY_ACQUIRE(true)
    {
        if (held_)
            return false;
        lock();
        return true;
    }
    void unlock() PERCIVAL_RELEASE()
    {
        testing::explored->store(this, std::memory_order_release);
        held_ = false;
    }

private:
    bool held_{false};
};

class PERCIVAL_SCOPED_CAPABILITY IrqSpinGuard : Immovable {
public:
    explicit IrqSpinGuard(SpinLock& lock) PERCIVAL_ACQUIRE(lock) : lock_{lock} { lock_.lock(); }
    ~IrqSpinGuard() PERCIVAL_RELEASE() { lock_.unlock(); }

private:
    arch::InterruptMask masked_;
    SpinLock& lock_;
};

} // namespace percival
