// SPDX-License-Identifier: BSD-2-Clause
// Access to tables that walkers may be reading right now: the part of an engine environment that is the same
// on every live tree. Any context.
//
// INV-live_tables-1: a table page's zeroes are visible to walkers before any descriptor points to it: zero()
//                    publishes.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/descriptor.hpp"
#include "mm/address_space/pte_format.hpp"

namespace percival::mm {

template <PteFormat Pte>
struct LiveTables {
    static void store(Pte* slot, Pte value)
    {
        arch::store_descriptor(reinterpret_cast<u64*>(slot), value.raw());
    }

    // The table's address is all that another CPU needs to use it: what it reads there depends on what it
    // read here, so that the zeroes, published before, are there.
    static Pte link(Pte* slot, Pte table)
    {
        return Pte{arch::link_descriptor(reinterpret_cast<u64*>(slot), table.raw())};
    }

    static void fill(Pte* first, u64 count, Pte value, Bytes step)
    {
        arch::fill_descriptors(reinterpret_cast<u64*>(first), count, value.raw(), step.count());
    }

    // Makes a page an empty table that may be linked.
    static void zero(Pte* table, Bytes size)
    {
        arch::zero_table(reinterpret_cast<u64*>(table), size);
        publish();
    }

    // All stores to tables before later walks by any CPU; the ISB for this one's own next access, which could
    // otherwise still use the fault it found before (Arm ARM D8.2.6).
    static void publish()
    {
        arch::dsb<arch::Shareability::InnerShareable, arch::Access::Store>();
        arch::isb();
    }
};

} // namespace percival::mm
