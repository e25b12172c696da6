// SPDX-License-Identifier: BSD-2-Clause
// Plain operations on one CPU's copy of a per-CPU variable: loads, arithmetic and stores, which the compiler joins
// as it likes. What Linux has as __this_cpu_add() and raw_cpu_add():
//
//      counter.pinned(pin).add(1);     // whoever holds a pin
//      counter.raw().add(1);           // whoever cannot be moved, but cannot prove it, or does not mind
//
// Right where nothing else changes the copy meanwhile: no interrupt handler on that CPU, and no other CPU. They
// go by the global address in every mode, never by the local one: a sum that was made on one CPU must not
// be stored into the copy of another. Beside this_cpu operations of interrupt handlers on the same
// variable, increments get lost.
//
// The object is an address; it lives as long as the pin at most.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

template <class T>
class PlainPerCpu {
public:
    explicit PlainPerCpu(T& copy) : copy_{copy} {}

    T read() const { return copy_; }
    void write(T value) const { copy_ = value; }

    // Arithmetic wraps, signed types too: in 64 unsigned bits, where no promotion to int can overflow.
    void add(T amount) const { add_return(amount); }
    void sub(T amount) const { copy_ = static_cast<T>(static_cast<u64>(copy_) - static_cast<u64>(amount)); }
    void inc() const { add(T{1}); }
    void dec() const { sub(T{1}); }
    // The new value.
    T add_return(T amount) const
    {
        return copy_ = static_cast<T>(static_cast<u64>(copy_) + static_cast<u64>(amount));
    }
    void and_(T mask) const { copy_ = static_cast<T>(copy_ & mask); }
    void or_(T mask) const { copy_ = static_cast<T>(copy_ | mask); }

    // The old value.
    T xchg(T value) const
    {
        const T old = copy_;
        copy_ = value;
        return old;
    }
    // Writes `desired` if the value is `expected`; the value found.
    T cmpxchg(T expected, T desired) const
    {
        const T found = copy_;
        if (found == expected)
            copy_ = desired;
        return found;
    }
    bool try_cmpxchg(T& expected, T desired) const
    {
        const T found = cmpxchg(expected, desired);
        const bool written = found == expected;
        expected = found;
        return written;
    }

private:
    T& copy_;
};

} // namespace percival
