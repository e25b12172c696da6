// SPDX-License-Identifier: BSD-2-Clause
// A reference count that all CPUs change: while its object is alive for certain, which somebody says by kill(),
// gets and puts are counted per CPU and nobody looks whether there are any left. After kill() they are counted in
// one place, and the last put releases.
//
//      PercpuRef ref;
//      ref.start(&release, object);        // one reference: that of whoever will kill it
//      if (ref.try_get()) { ...; ref.put(); }
//      ref.kill();                         // gives back the first; blocks until every CPU counts in one place
//      // release(object) runs in whatever context the last put() is in
//      ref.restart();                      // after the release, with one reference again
//
// get(), try_get() and put() are for any context; the others block.
//
// The common count carries a bias while CPUs count for themselves, so that it cannot become 0. Whoever changes
// the mode waits until nobody counts in the old one (RCU) before it adds up.
//
// INV-percpu_ref-1: references = common count - bias + the CPUs' counts; the bias is there exactly while some
//                   CPU may still count for itself.
//
// As Linux's percpu_ref.
#pragma once

#include "kernel/wait/mutex.hpp"
#include "mm/percpu_memory/allocator.hpp"

namespace percival {

// No user in the kernel yet.
class PercpuRef : Immovable {
public:
    using Release = void (*)(void*);

    PercpuRef() = default;
    // No reference is left: it was never started, or released.
    ~PercpuRef() = default;

    // Once.
    std::expected<void, percpu::Error> start(Release release, void* object);

    // The caller has a reference.
    void get();
    // False: nobody has one any more.
    [[nodiscard]] bool try_get();
    // False: somebody has killed it, whether or not there are references left.
    [[nodiscard]] bool try_get_alive();
    void put();

    // From now on the references are counted in one place; the first one is given back.
    void kill() PERCIVAL_EXCLUDES(switching_);
    bool is_killed() const { return killed_.load(std::memory_order_acquire); }
    // Counted in one place, alive or not: exact, and slow.
    void switch_to_atomic() PERCIVAL_EXCLUDES(switching_);
    // Back, if it is alive.
    void switch_to_percpu() PERCIVAL_EXCLUDES(switching_);
    // After a kill and a release: alive again, with one reference.
    void restart() PERCIVAL_EXCLUDES(switching_);

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
