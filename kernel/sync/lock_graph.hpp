// SPDX-License-Identifier: BSD-2-Clause
// In which order locks are taken: which class of locks was ever asked for while one of another class was held.
// Two orders that contradict each other are a deadlock that waits for its moment; they are found here when the
// second one first happens, whether or not anybody has to wait.
//
// Classes are small numbers, sites are code addresses. The caller serializes note(); was_seen() is for any
// context.
//
// INV-lock_graph-1: the graph has no cycle: an edge that would close one is reported and not added.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <atomic>
#include <optional>

namespace percival {

// Where a lock was asked for while another one was held, and where that one had been taken.
struct LockOrder {
    u32 held{0};
    u32 wanted{0};
    VirtAddr held_at{};
    VirtAddr wanted_at{};
};

// An order that contradicts an earlier one, or a chain of earlier ones that begins with this.
struct LockInversion {
    LockOrder now{};
    LockOrder earlier{};
};

template <u32 Classes>
class LockGraph {
    static_assert(Classes <= 64);

public:
    constexpr LockGraph() = default;

    bool was_seen(u32 held, u32 wanted) const
    {
        return (after_[held].load(std::memory_order_relaxed) >> wanted & 1) != 0;
    }

    // Of two classes; a class within itself is an inversion, too.
    std::optional<LockInversion> note(const LockOrder& order)
    {
        if (const auto first = first_step(order.wanted, order.held))
            return LockInversion{order, sites_[order.wanted][*first]};
        sites_[order.held][order.wanted] = order;
        after_[order.held].fetch_or(u64{1} << order.wanted, std::memory_order_relaxed);
        return {};
    }

private:
    // All classes that some chain of orders leads to from `from`, itself included.
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

    // The first class behind `from` on a way to `to`.
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
