// SPDX-License-Identifier: BSD-2-Clause
// The only code that stores descriptors of a tree that table walkers may be reading.
//
// Invariant: write() classifies each store against the entry it replaces
// (mm/page_table/descriptor_change.hpp). It refuses a change that needs break-before-make while the old entry
// is still valid: it calls Env::forbidden(), which panics in the kernel.
#pragma once

#include "arch/mmu/descriptor.hpp"
#include "mm/page_table/descriptor_change.hpp"

namespace percival::mm {

// Reads a descriptor in one access: table walkers and other CPUs share it.
template <PteFormat Pte>
Pte load_descriptor(const Pte* slot)
{
    // SAFETY: a descriptor format is a 64-bit value (PteFormat), and only single 64-bit accesses are made
    // through the pointer.
    return Pte{arch::load_descriptor(reinterpret_cast<const u64*>(slot))};
}

template <PteFormat Pte, class Env>
class DescriptorWriter {
public:
    explicit DescriptorWriter(Env& env) : env_{env} {}

    // Replaces the descriptor in `slot`, which is at `level`. Stores nothing if it would not change.
    void write(Pte* slot, Pte now, Level level)
    {
        const Pte old = load_descriptor(slot);
        const Change change = classify(old, now, level);
        if (!is_allowed(change, resizes_live())) [[unlikely]]
            refuse(old, now, level);
        if (change != Change::None)
            env_.store(slot, now);
    }

    // Stores `table` into `slot`, which the caller found invalid, unless another CPU has done so first.
    // Returns what the slot held before: an invalid descriptor, or the other CPU's.
    Pte link(Pte* slot, Pte table, Level level)
    {
        if constexpr (requires { env_.link(slot, table); }) {
            return env_.link(slot, table);
        } else {
            write(slot, table, level);
            return Pte{};
        }
    }

    // Writes `count` neighbouring leaves into slots that the caller found invalid: `value` first, and each
    // next one with an output address `step` higher. All outputs lie within one kLinearOutput
    // (INV-pte_format-1).
    void fill_invalid(Pte* first, u64 count, Pte value, Bytes step)
    {
        if constexpr (requires { env_.fill(first, count, value, step); }) {
            env_.fill(first, count, value, step);
        } else {
            for (u64 n = 0; n < count; ++n)
                env_.store(first + n, Pte{value.raw() + n * step.count()});
        }
    }

    // Clears `count` neighbouring leaves. Valid to invalid is always allowed, so the stores need no
    // classification.
    void clear_leaves(Pte* first, u64 count)
    {
#pragma clang loop unroll_count(16)
        for (u64 n = 0; n < count; ++n)
            env_.store(first + n, Pte{});
    }

    // Returns whether leaves may change size while CPUs use them.
    bool resizes_live() const
    {
        if constexpr (requires { env_.resizes_live(); })
            return env_.resizes_live();
        return false;
    }

private:
    [[gnu::cold, gnu::noinline]] void refuse(Pte old, Pte now, Level level)
    {
        if constexpr (requires { env_.forbidden(old, now, level); })
            env_.forbidden(old, now, level);
        else
            __builtin_trap(); // no panic is available this early
    }

    Env& env_;
};

} // namespace percival::mm
