// SPDX-License-Identifier: BSD-2-Clause
// Clang's thread-safety annotations say which lock guards which data. -Wthread-safety checks them at compile
// time.
#pragma once

#define PERCIVAL_CAPABILITY(name) __attribute__((capability(name)))
#define PERCIVAL_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define PERCIVAL_GUARDED_BY(lock) __attribute__((guarded_by(lock)))
#define PERCIVAL_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define PERCIVAL_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define PERCIVAL_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define PERCIVAL_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define PERCIVAL_ACQUIRE_SHARED(...) __attribute__((acquire_shared_capability(__VA_ARGS__)))
#define PERCIVAL_RELEASE_SHARED(...) __attribute__((release_shared_capability(__VA_ARGS__)))
#define PERCIVAL_RELEASE_GENERIC(...) __attribute__((release_generic_capability(__VA_ARGS__)))
#define PERCIVAL_TRY_ACQUIRE(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
// For the rare function whose locking the analysis cannot follow. A comment at each use says why the locking
// is right.
#define PERCIVAL_NO_THREAD_SAFETY_ANALYSIS __attribute__((no_thread_safety_analysis))
