// SPDX-License-Identifier: BSD-2-Clause
// A reference count that all CPUs change. Until kill() the object is certain to be alive: each CPU then
// counts gets and puts for itself, and put() does not check for the last reference. After kill() they are
// counted in one common count, and the last put() releases the object.
//
//      PercpuRef ref;
//      ref.start(&release, object);        // one reference, which kill() gives back
//      if (ref.try_get()) { ...; ref.put(); }
//      ref.kill();                         // blocks until every CPU uses the common count
//      // release(object) runs in the context of the last put()
//      ref.restart();                      // after the release: one reference again
//
// Any context may call get(), try_get(), try_get_alive() and put(); the functions that change the mode block.
//
// While CPUs count for themselves, the common count carries a bias, so that it cannot become 0. A thread that
// changes the mode to the common count waits until no CPU counts for itself (RCU), and only then adds the
// counts up.
//
// INV-percpu_ref-1: references = common count - bias + the counts of the CPUs. The bias is part of the common
//                   count exactly while some CPU may still count for itself.
//
// It corresponds to Linux's percpu_ref.
#pragma once

#include "kernel/wait/mutex.hpp"
#include "mm/percpu_memory/allocator.hpp"

namespace percival {

// The kernel itself does not use it yet.
class PercpuRef : Immovable {
public:
    using Release = void (*)(void*);

    PercpuRef() = default;
    // No reference may be left: either start() was never called, or the object has been released.
    ~PercpuRef() = default;

    // Begins with one reference, counting per CPU. Called once. Fails if there is no memory.
    std::expected<void, percpu::Error> start(Release release, void* object);

    // Takes another reference. The caller has one already.
    void get();
    // Takes a reference. Returns false if none is left.
    [[nodiscard]] bool try_get();
    // Takes a reference. Returns false if kill() was called, even if references are left.
    [[nodiscard]] bool try_get_alive();
    // Gives a reference back, and releases the object with the last one.
    void put();

    // Changes to the common count for good, and gives back the reference of start(). Once.
    void kill() PERCIVAL_EXCLUDES(switching_);
    bool is_killed() const { return killed_.load(std::memory_order_acquire); }
    // Changes to the common count without kill(): the count is then exact, and slow.
    void switch_to_atomic() PERCIVAL_EXCLUDES(switching_);
    // Changes back to counting per CPU, unless kill() was called.
    void switch_to_percpu() PERCIVAL_EXCLUDES(switching_);
    // Begins again with one reference, after kill() and the release.
    void restart() PERCIVAL_EXCLUDES(switching_);

    // Returns whether no reference is left. Always false while CPUs count for themselves.
    bool is_zero() const { return count_.load(std::memory_order_acquire) == 0; }

private:
    static constexpr s64 kBias = s64{1} << 62;

    bool counts_per_cpu() const { return per_cpu_.load(std::memory_order_relaxed); }
    void leave_percpu() PERCIVAL_REQUIRES(switching_);
    void enter_percpu() PERCIVAL_REQUIRES(switching_);
    void put_common();

    percpu::Owned<s64> counts_{};
    std::atomic<bool> per_cpu_{false};
    std::atomic<bool> killed_{false};
    std::atomic<s64> count_{0};
    Release release_{nullptr};
    void* object_{nullptr};
    Mutex switching_{};
};

} // namespace percival
