// SPDX-License-Identifier: BSD-2-Clause
// Hides the standard library's atomics from kernel sources that run on CPUs which the explorer interleaves.
// In the namespace percival, std::atomic_ref and std::atomic<u64> are those below. The compiler includes this
// file before each source of such a program (tests/host/CMakeLists.txt), so that all sources agree.
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
        return object_;
    }
    void store(T value, memory_order order) const
    {
        testing::explored->store(&object_, order);
        object_ = value;
    }
    T exchange(T value, memory_order order) const
    {
        testing::explored->exchange(&object_, order);
        return ::std::exchange(object_, value);
    }

private:
    T& object_;
};

class explored_counter {
public:
    constexpr explored_counter(u64 value) : value_{value} {}

    u64 load(memory_order order) const
    {
        testing::explored->load(this, order);
        return value_;
    }
    u64 fetch_add(u64 amount, memory_order order)
    {
        testing::explored->exchange(this, order);
        return ::std::exchange(value_, value_ + amount);
    }
    // Returns the value; no step of a CPU.
    u64 peek() const { return value_; }

private:
    u64 value_;
};

template <class T>
using atomic = conditional_t<is_same_v<T, u64>, explored_counter, ::std::atomic<T>>;

} // namespace percival::std
