// SPDX-License-Identifier: BSD-2-Clause
// What the shapes are played on: two addresses in the kernel's own tree, and two pages that they may show.
// The steps change descriptors without the page-table engine, because some leave out what it never does.
// Each change is one that the architecture allows, or a break with its flush.
#pragma once

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/pte.hpp"
#include "kernel/lib/types.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/address_space/mapping.hpp"

#include <array>
#include <atomic>

namespace percival {

// What a step on the stage leaves out, and what it adds.
struct StageSettings {
    bool repeats_tlbi;    // another TLBI and DSB after each
    bool leaves_out_tlbi; // a defect that the probes must find
};

class Stage : Immovable {
public:
    enum class Place : u8 { At, Alias };
    enum class Start : u8 { Holes, OldPage }; // at both places
    // What a page holds, and so what a read of it sees.
    static constexpr u64 kOld = 1, kNew = 2, kReused = 3;

    // Maps the pages. is_ready() is false if memory does not suffice. Any CPU on its own root.
    explicit Stage(StageSettings settings);
    ~Stage();
    bool is_ready() const { return area_ != nullptr; }

    // Makes the start, which every CPU sees after its next DSB and ISB.
    void begin(Start start);

    // Steps. Only complete() and flush() have barriers.
    void map_old(Place place, mm::Attributes attributes = mm::kData) { store(place, 0, attributes); }
    void map_new(Place place) { store(place, 1, mm::kData); }
    void clear(Place place);
    bool is_clear(Place place) const;
    void invalidate(Place place) const;
    // DSB ISH, and what the repeated TLBI takes.
    void complete() const;
    // DSB ISHST, TLBI, DSB ISH. No ISB.
    void flush(Place place) const;
    // Gives the old page to somebody else, who writes to it.
    void reuse_old_page() { write_page(0, kReused); }

    u64 read(Place place) const;
    void write(Place place, u64 value) const;

    // Raises the flag, and so orders the earlier steps before those of the CPU that awaits it. A wait panics
    // after half a minute.
    void tell() { flag.store(1, std::memory_order_release); }
    void await_flag() const;
    // Reads until the other CPU tells, so that this one has what it reads in its TLB. Orders nothing.
    void read_until_told() const;

    std::atomic<u64> flag{0};

private:
    void store(Place place, u32 page, mm::Attributes attributes);
    void write_page(u32 page, u64 value) const;
    VirtAddr address(Place place) const;
    u64* slot(Place place) const { return slots_[static_cast<u32>(place)]; }

    StageSettings settings_;
    void* area_{nullptr};
    std::array<PhysAddr, 2> pages_{};
    u32 owned_{0}; // so many of them are allocated
    std::array<u64*, 2> slots_{};
};

// Makes earlier stores to tables visible to walks.
inline void publish_stores()
{
    arch::dsb<arch::Shareability::InnerShareable, arch::Access::Store>();
}

} // namespace percival
