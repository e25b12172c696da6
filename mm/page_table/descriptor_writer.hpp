// SPDX-License-Identifier: BSD-2-Clause
// The only code that stores descriptors of a tree that table walkers may be reading.
//
// INV-descriptor_writer-1: every store is classified against what it replaces (mm/page_table/descriptor_change.hpp). A
//                          change that needs break-before-make and was not broken is refused:
//                          Env::forbidden(), a panic in the kernel.
#pragma once

#include "arch/mmu/descriptor.hpp"
#include "mm/page_table/descriptor_change.hpp"

namespace percival::mm {

// Descriptors are shared with table walkers and other CPUs: one access each.
template <PteFormat Pte>
Pte load_descriptor(const Pte* slot)
{
    return Pte{arch::load_descriptor(reinterpret_cast<const u64*>(slot))};
}

template <PteFormat Pte, class Env>
class DescriptorWriter {
public:
    explicit DescriptorWriter(Env& env) : env_{env} {}

    // Replaces what is in `slot`.
    void write(Pte* slot, Pte now, Level level)
    {
        const Pte old = load_descriptor(slot);
        const Change change = classify(old, now, level);
        if (!is_allowed(change, resizes_live())) [[unlikely]]
            refuse(old, now, level);
        if (change != Change::None)
            env_.store(slot, now);
    }

    // Puts `table` into `slot`, which the caller found invalid, unless another CPU was first. What was there
    // before: invalid, or what the other one put there.
    Pte link(Pte* slot, Pte table, Level level)
    {
        if constexpr (requires { env_.link(slot, table); }) {
            return env_.link(slot, table);
        } else {
            write(slot, table, level);
            return Pte{};
        }
    }

    // Writes `count` neighbouring leaves, `value` and what follows it in steps of `step`, to slots that the
    // caller found invalid. All outputs lie within one kLinearOutput (INV-pte_format-2).
    void fill_invalid(Pte* first, u64 count, Pte value, Bytes step)
    {
        if constexpr (requires { env_.fill(first, count, value, step); }) {
            env_.fill(first, count, value, step);
        } else {
            for (u64 n = 0; n < count; ++n)
                env_.store(first + n, Pte{value.raw() + n * step.count()});
        }
    }

    // Clears `count` neighbouring leaves. From valid to invalid is always allowed, so there is nothing to
    // classify.
    void clear_leaves(Pte* first, u64 count)
    {
#pragma clang loop unroll_count(16)
        for (u64 n = 0; n < count; ++n)
            env_.store(first + n, Pte{});
    }

    // Whether leaves may change size while CPUs use them.
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
            __builtin_trap(); // before there is a panic
    }

    Env& env_;
};

} // namespace percival::mm
