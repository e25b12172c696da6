// SPDX-License-Identifier: BSD-2-Clause
// Guards of a reader-writer lock (kernel/wait/rw_lock.hpp).
#pragma once

#include "kernel/wait/rw_lock.hpp"

namespace percival {

// Holds a lock for writing for the lifetime of the guard.
class PERCIVAL_SCOPED_CAPABILITY WriteGuard : Immovable {
public:
    explicit WriteGuard(RwLock& lock) PERCIVAL_ACQUIRE(lock) : lock_{lock} { lock_.lock(); }
    ~WriteGuard() PERCIVAL_RELEASE() { lock_.unlock(); }

private:
    RwLock& lock_;
};

// Holds a lock for reading for the lifetime of the guard.
class PERCIVAL_SCOPED_CAPABILITY ReadGuard : Immovable {
public:
    explicit ReadGuard(RwLock& lock) PERCIVAL_ACQUIRE_SHARED(lock) : lock_{lock} { lock_.lock_shared(); }
    ~ReadGuard() PERCIVAL_RELEASE_GENERIC() { lock_.unlock_shared(); }

private:
    RwLock& lock_;
};

} // namespace percival
