// SPDX-License-Identifier: BSD-2-Clause
// The bookkeeping of the shadow: one byte of shadow for each byte of percpu memory, and the rules by which
// allocations, frees and accesses change it. Touches nothing but shadow. Any context, on the host too.
//
//      object of 6 bytes, allocated in 2 grains, of which 4 bytes are written; behind it a freed one
//      B|Written Written Written Written NeverWritten E|NeverWritten Unallocated … B|Freed Freed …
//
// INV-shadow_states-1: the first byte of an object, allocated or freed, has the mark kBegin, and the last one
//     the mark kEnd. So the extent of an object can be read from its shadow alone. A free looks at no byte of
//     a neighbour, which another CPU may be allocating.
#pragma once

#include "kernel/lib/types.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

namespace percival::percpu::shadow {

enum class State : u8 {
    Unallocated, // in no object: never allocated, or behind the end of an object
    NeverWritten,
    Written,
    Freed,
};

// What is wrong with an access.
enum class Wrong : u8 { OutOfBounds, UseAfterFree, NeverWritten };

struct WrongByte {
    Wrong wrong;
    u64 index; // of the first wrong byte, from the first one that the access touches
    friend constexpr bool operator==(WrongByte, WrongByte) = default;
};

// The shadow from some byte on. A caller that names a number of bytes has shadow for as many.
class States {
public:
    explicit States(u8* first) : first_{first} {}

    State at(u64 index) const { return static_cast<State>(load(index) & kStateMask); }
    bool begins(u64 index) const { return (load(index) & kBegin) != 0; }

    // Returns the first byte of [0, size) that the access must not touch. Only an access that `needs_values`
    // must not touch bytes that were never written.
    std::optional<WrongByte> find_wrong(u64 size, bool needs_values) const
    {
        for (u64 n = 0; n < size; ++n) {
            const State state = at(n);
            if (state == State::Unallocated)
                return WrongByte{Wrong::OutOfBounds, n};
            if (state == State::Freed)
                return WrongByte{Wrong::UseAfterFree, n};
            if (state == State::NeverWritten && needs_values)
                return WrongByte{Wrong::NeverWritten, n};
        }
        return {};
    }

    // Notes that the bytes [0, size) are written. Changes nothing but NeverWritten: a compare-exchange,
    // because another CPU may free the object at the same time.
    void note_written(u64 size) const
    {
        for (u64 n = 0; n < size; ++n) {
            u8 found = load(n);
            const u8 marks = found & static_cast<u8>(~kStateMask);
            if (static_cast<State>(found & kStateMask) == State::NeverWritten)
                byte(n).compare_exchange_strong(found, value(State::Written) | marks,
                                                std::memory_order_relaxed);
        }
    }

    // Makes [0, size) an object in the state `fill`, and [size, rounded) nobody's.
    void allocate(u64 size, u64 rounded, State fill) const
    {
        fill_object(size, fill);
        std::fill_n(first_ + size, rounded - size, value(State::Unallocated));
    }

    // Frees the object that begins at byte 0. `limit`: the number of bytes that have shadow.
    void free(u64 limit) const { fill_object(object_size(limit), State::Freed); }

    // Returns the size of the object, allocated or freed, that begins at byte 0.
    u64 object_size(u64 limit) const
    {
        u64 last = 0;
        while (last + 1 < limit && (load(last) & kEnd) == 0)
            ++last;
        return last + 1;
    }

private:
    static constexpr u8 kBegin = 0x80;
    static constexpr u8 kEnd = 0x40;
    static constexpr u8 kStateMask = 0x3f;

    static u8 value(State state) { return static_cast<u8>(state); }
    void fill_object(u64 size, State state) const
    {
        std::fill_n(first_, size, value(state));
        first_[0] |= kBegin;
        first_[size - 1] |= kEnd;
    }
    std::atomic_ref<u8> byte(u64 index) const { return std::atomic_ref{first_[index]}; }
    u8 load(u64 index) const { return byte(index).load(std::memory_order_relaxed); }

    u8* first_;
};

} // namespace percival::percpu::shadow
