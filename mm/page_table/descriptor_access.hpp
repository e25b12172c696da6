// SPDX-License-Identifier: BSD-2-Clause
// Reads, counts and stores descriptors of a tree that table walkers may be reading.
//
// Invariant: only DescriptorWriter stores them. Its write() classifies each store against the entry it
// replaces (mm/page_table/descriptor_change.hpp). It refuses a change that needs break-before-make while the
// old entry is still valid: it calls Env::forbidden(), which panics in the kernel.
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

namespace descriptor_access_detail {

// `level()` returns a constant at the last level: there, the kind depends on one bit only.
template <PteKind Kind, PteFormat Pte>
u64 count_while(const Pte* first, u64 limit, auto level)
{
    constexpr u64 kAtOnce = 16; // descriptors examined without a branch between them
    const auto are_alike = [&](u64 from) {
        bool alike = true;
#pragma clang loop unroll(full)
        for (u64 n = 0; n < kAtOnce; ++n)
            alike = alike & (load_descriptor(first + from + n).kind(level()) == Kind);
        return alike;
    };
    u64 count = 0;
    while (count + kAtOnce <= limit && are_alike(count))
        count += kAtOnce;
    while (count < limit && load_descriptor(first + count).kind(level()) == Kind)
        ++count;
    return count;
}

template <PteKind Kind, PteFormat Pte>
u64 count(const Pte* first, u64 limit, Level level)
{
    return level.is_last() ? count_while<Kind>(first, limit, [] { return kLastLevel; })
                           : count_while<Kind>(first, limit, [level] { return level; });
}

} // namespace descriptor_access_detail

// Returns how many invalid entries follow each other from `first` on, at most `limit`, which ends within the
// table. The caller maps all of them without walking again.
template <PteFormat Pte>
u64 count_invalid(const Pte* first, u64 limit, Level level)
{
    return descriptor_access_detail::count<PteKind::Invalid>(first, limit, level);
}

// Returns how many leaves follow each other from `first` on, at most `limit`, which ends within the table.
// The caller clears all of them without walking again.
template <PteFormat Pte>
u64 count_leaves(const Pte* first, u64 limit, Level level)
{
    return descriptor_access_detail::count<PteKind::Leaf>(first, limit, level);
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
        if (now != old) // what an invalid descriptor keeps may change too
            env_.store(slot, now);
    }

    // Replaces the `count` entries of a leaf that is valid, a run or a single one: `now` first, and each next
    // one with an output address `step` higher. The entries of a run differ in their addresses only, so what
    // is allowed for the first is allowed for all.
    void write_leaf(Pte* first, u64 count, Pte now, Level level, Bytes step)
    {
        write(first, now, level);
        if (count > 1)
            fill_invalid(first + 1, count - 1, Pte{now.raw() + step.count()}, step);
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

    // Writes `count` neighbouring leaves into slots that the caller found invalid, that no walker reaches yet
    // or whose change the caller has judged (write_leaf()): `value` first, and each next one with an output
    // address `step` higher. All outputs lie within one kLinearOutput (INV-pte_format-1).
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
        if constexpr (requires { env_.clear(first, count); }) {
            env_.clear(first, count);
        } else {
            for (u64 n = 0; n < count; ++n)
                env_.store(first + n, Pte{});
        }
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
