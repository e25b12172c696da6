// SPDX-License-Identifier: BSD-2-Clause
// Access to tables that walkers may be reading: the part of an engine environment that is the same for every
// live tree. Any context.
//
// Invariant: walkers see the zeroes of a table page before any descriptor points to it, because zero()
// publishes.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/descriptor.hpp"
#include "mm/address_space/pte_format.hpp"

namespace percival::mm {

template <PteFormat Pte>
struct LiveTables {
    static void store(Pte* slot, Pte value) { arch::store_descriptor(words(slot), value.raw()); }

    // Another CPU needs only the table's address to use the table. Its reads there depend on its read of this
    // slot, so it sees the zeroes, which were published before.
    static Pte link(Pte* slot, Pte table) { return Pte{arch::link_descriptor(words(slot), table.raw())}; }

    static void fill(Pte* first, u64 count, Pte value, Bytes step)
    {
        arch::fill_descriptors(words(first), count, value.raw(), step.count());
    }

    static void clear(Pte* first, u64 count) { arch::clear_descriptors(words(first), count); }

    // Turns a page into an empty table that may be linked.
    static void zero(Pte* table, Bytes size)
    {
        arch::zero_table(words(table), size);
        publish();
    }

    // Orders this CPU's stores to tables before later walks by any CPU, and with them all stores that they
    // depend on. A store of another CPU that this one has merely loaded is not covered. The ISB is for this
    // CPU's own next access, which could otherwise still take a fault that was determined earlier (Arm ARM
    // D8.2.6; with FEAT_ETS2 it cannot). Another CPU may take one such fault even after it was told of the
    // mapping, if it made no DSB and ISB: is_spurious() repeats its access.
    static void publish()
    {
        arch::dsb<arch::Shareability::InnerShareable, arch::Access::Store>();
        arch::isb();
    }

private:
    // SAFETY: a descriptor format is a 64-bit value (PteFormat), and every access is a single 64-bit one.
    static u64* words(Pte* descriptors) { return reinterpret_cast<u64*>(descriptors); }
};

} // namespace percival::mm
