// SPDX-License-Identifier: BSD-2-Clause
// The order in which locks are taken: an edge from class A to class B says that a lock of class B was asked
// for while one of class A was held. Two orders that contradict each other can deadlock. The graph finds them
// as soon as the second order is first used, whether or not any CPU has to wait.
//
// Classes are small numbers, sites are code addresses. The caller serializes note(); any context may call
// was_seen().
//
// INV-lock_graph-1: the graph has no cycle: an edge that would close one is reported and not added.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <atomic>
#include <optional>

namespace percival {

// One order: the place where a lock was asked for while another one was held, and where the latter was taken.
struct LockOrder {
    u32 held{0};
    u32 wanted{0};
    VirtAddr held_at{};
    VirtAddr wanted_at{};
};

// An order that contradicts earlier ones: either `earlier` itself, or a chain of orders that begins with it.
struct LockInversion {
    LockOrder now{};
    LockOrder earlier{};
};

template <u32 Classes>
class LockGraph {
    static_assert(Classes <= 64);

public:
    constexpr LockGraph() = default;

    // Returns whether the graph has the edge from `held` to `wanted`.
    bool was_seen(u32 held, u32 wanted) const
    {
        return (after_[held].load(std::memory_order_relaxed) >> wanted & 1) != 0;
    }

    // Adds an order, unless it contradicts earlier ones (INV-lock_graph-1); then returns the inversion. A
    // lock asked for while one of its own class is held is an inversion, too.
    std::optional<LockInversion> note(const LockOrder& order)
    {
        if (const auto first = first_step(order.wanted, order.held))
            return LockInversion{order, sites_[order.wanted][*first]};
        sites_[order.held][order.wanted] = order;
        after_[order.held].fetch_or(u64{1} << order.wanted, std::memory_order_relaxed);
        return {};
    }

private:
    // Returns the set of all classes that a chain of orders leads to from `from`, including `from`.
    u64 reachable(u32 from) const
    {
        u64 found = u64{1} << from;
        for (u64 before = 0; before != found;) {
            before = found;
            for (u32 index = 0; index < Classes; ++index) {
                if ((found >> index & 1) != 0)
                    found |= after_[index].load(std::memory_order_relaxed);
            }
        }
        return found;
    }

    // Returns the class that follows `from` on some path to `to`, or none if there is no path.
    std::optional<u32> first_step(u32 from, u32 to) const
    {
        if (from == to)
            return to;
        for (u32 next = 0; next < Classes; ++next) {
            if (was_seen(from, next) && (reachable(next) >> to & 1) != 0)
                return next;
        }
        return {};
    }

    std::array<std::atomic<u64>, Classes> after_{};
    std::array<std::array<LockOrder, Classes>, Classes> sites_{};
};

} // namespace percival
