// SPDX-License-Identifier: BSD-2-Clause
// Plain operations on one CPU's copy of a percpu variable: ordinary loads, arithmetic and stores, which the
// compiler may combine. They correspond to Linux's __this_cpu_add() and raw_cpu_add():
//
//      counter.pinned(pin).add(1);     // the caller holds a pin
//      counter.raw().add(1);           // the caller cannot migrate but has no pin, or tolerates a migration
//
// The caller makes sure that nothing else changes the copy meanwhile: no interrupt handler on that CPU, and
// no other CPU. If an interrupt handler uses this_cpu operations on the same variable, increments get lost.
//
// The operations use the global address in every mode. With the local address, a sum computed on one CPU
// could be stored into the copy of another.
//
// A PlainPerCpu holds only the address of the copy. It must not outlive the pin it was made with.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

template <class T>
class PlainPerCpu {
public:
    explicit PlainPerCpu(T& copy) : copy_{copy} {}

    T read() const { return copy_; }
    void write(T value) const { copy_ = value; }

    // Arithmetic wraps around, for signed types too. It is done in 64 unsigned bits: a promotion to int could
    // overflow.
    void add(T amount) const { add_return(amount); }
    void sub(T amount) const { copy_ = static_cast<T>(static_cast<u64>(copy_) - static_cast<u64>(amount)); }
    void inc() const { add(T{1}); }
    void dec() const { sub(T{1}); }
    // Adds `amount` and returns the new value.
    T add_return(T amount) const
    {
        return copy_ = static_cast<T>(static_cast<u64>(copy_) + static_cast<u64>(amount));
    }
    void and_(T mask) const { copy_ = static_cast<T>(copy_ & mask); }
    void or_(T mask) const { copy_ = static_cast<T>(copy_ | mask); }

    // Writes `value` and returns the old value.
    T xchg(T value) const
    {
        const T old = copy_;
        copy_ = value;
        return old;
    }
    // Writes `desired` if the value is `expected`. Returns the value found.
    T cmpxchg(T expected, T desired) const
    {
        const T found = copy_;
        if (found == expected)
            copy_ = desired;
        return found;
    }
    // Does what cmpxchg() does, stores the value found in `expected`, and returns whether `desired` was
    // written.
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
