// SPDX-License-Identifier: BSD-2-Clause
// Reading a counter whose single reads may be wrong. `read()` reads it once, and not before earlier reads.
// Every loop is bounded: the last value counts when the bound is reached. Pure functions, any context.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/types.hpp"

namespace percival::arch {

// What reads of this machine's counter need. Nothing is known of most machines, and one read suffices.
struct CounterErrata {
    CounterErratum of_machine{CounterErratum::None}; // named in the device tree
    bool of_cpu{false};                              // tears_count_at_rollover() (arch/cpu/errata.hpp)

    constexpr bool any() const { return of_machine != CounterErratum::None || of_cpu; }
};

// Reads a counter in the way that the erratum of the machine needs.
template <class Read>
constexpr u64 settled_count(CounterErratum erratum, Read read)
{
    switch (erratum) {
    case CounterErratum::None:
        break;
    case CounterErratum::FslA008585: {
        // A read while the count changes returns any mixture of the two values, but not twice in a row.
        u64 before = read();
        u64 now = read();
        for (u32 left = 200; left != 0 && now != before; --left) {
            before = now;
            now = read();
        }
        return now;
    }
    case CounterErratum::Hisilicon161010101: {
        // Of two successive reads, the second is right if it is the larger one, by less than 32.
        u64 before = read();
        u64 now = read();
        for (u32 left = 50; left != 0 && now - before >= 32; --left) {
            before = read();
            now = read();
        }
        return now;
    }
    case CounterErratum::AllwinnerUnknown1: {
        // While bit 10 or a higher one changes, the bits may be seen to change at different times, all those
        // below it as ones or as zeros. So no count with nine such bits is believed.
        constexpr u64 kLow = (1 << 9) - 1;
        u64 now = read();
        for (u32 left = 150; left != 0 && ((now + 1) & kLow) <= 1; --left)
            now = read();
        return now;
    }
    }
    return read();
}

// Reads a counter in the way that all of `errata` need.
template <class Read>
constexpr u64 safe_count(CounterErrata errata, Read read)
{
    const u64 before = settled_count(errata.of_machine, read);
    if (!errata.of_cpu)
        return before;
    // A read while the lower half rolls over may combine one half from before with the other from after. If
    // bit 32 differs between two reads, the second one may be such, and the first one is from before the
    // rollover.
    const u64 now = settled_count(errata.of_machine, read);
    return ((before ^ now) >> 32 & 1) != 0 ? before : now;
}

} // namespace percival::arch
