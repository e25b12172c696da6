// SPDX-License-Identifier: BSD-2-Clause
// Hides the standard library's atomics from kernel sources that run on CPUs which the explorer interleaves.
// In the namespace percival, std::atomic_ref is the one below, and so is std::atomic of u64, u32, bool and
// enumerations. The compiler includes this file before each source of such a program
// (tests/host/CMakeLists.txt), so that all sources agree.
//
// Other atomics stay what they are: what such sources do with them is no communication between CPUs.
#pragma once

#include "explored/support/explored_kernel.hpp"

#include <atomic>
#include <type_traits>
#include <utility>

namespace percival::std {

using namespace ::std;

template <class T>
class atomic_ref {
public:
    explicit atomic_ref(T& object) : object_{object} {}

    T load(memory_order order) const
    {
        testing::explored->load(&object_, order);
        return testing::explored->reach(object_);
    }
    void store(T value, memory_order order) const
    {
        testing::explored->store(&object_, order);
        testing::explored->reach(object_) = value;
    }
    T exchange(T value, memory_order order) const
    {
        testing::explored->exchange(&object_, order);
        return ::std::exchange(testing::explored->reach(object_), value);
    }

private:
    T& object_;
};

template <class T>
class explored_atomic {
public:
    constexpr explored_atomic() = default;
    constexpr explored_atomic(T value) : value_{value} {}

    T load(memory_order order) const
    {
        testing::explored->load(this, order);
        return value_;
    }
    void store(T value, memory_order order)
    {
        testing::explored->store(this, order);
        value_ = value;
    }
    T fetch_add(T amount, memory_order order)
    {
        testing::explored->exchange(this, order);
        return ::std::exchange(value_, value_ + amount);
    }
    T fetch_sub(T amount, memory_order order)
    {
        testing::explored->exchange(this, order);
        return ::std::exchange(value_, value_ - amount);
    }
    T fetch_or(T bits, memory_order order)
    {
        testing::explored->exchange(this, order);
        return ::std::exchange(value_, value_ | bits);
    }
    T fetch_and(T bits, memory_order order)
    {
        testing::explored->exchange(this, order);
        return ::std::exchange(value_, value_ & bits);
    }
    bool compare_exchange_strong(T& expected, T desired, memory_order order)
    {
        testing::explored->load(this, memory_order_relaxed);
        if (value_ != expected) {
            expected = value_;
            return false;
        }
        testing::explored->take_over(this, order);
        value_ = desired;
        return true;
    }
    // Returns the value; no step of a CPU.
    T peek() const { return value_; }

private:
    T value_{};
};

template <class T>
inline constexpr bool is_explored =
    is_same_v<T, u64> || is_same_v<T, u32> || is_same_v<T, bool> || is_enum_v<T>;

template <class T>
using atomic = conditional_t<is_explored<T>, explored_atomic<T>, ::std::atomic<T>>;

// Orders nothing: the CPUs take one step at a time.
inline void atomic_thread_fence(memory_order) {}

} // namespace percival::std
