// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/stage.hpp"

#include "arch/mmu/descriptor.hpp"
#include "arch/mmu/tlb.hpp"
#include "kernel/probes/meeting.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/vmalloc/vm_freed.hpp"
#include "mm/vmalloc/vmap.hpp"

namespace percival {
namespace {

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;

} // namespace

Stage::Stage(StageSettings settings) : settings_{settings}
{
    for (PhysAddr& page : pages_) {
        const auto allocated = mm::allocate_page();
        if (!allocated)
            return;
        page = *allocated;
        ++owned_;
    }
    const auto mapped = mm::vmap(pages_, mm::kData);
    if (!mapped)
        return;
    area_ = *mapped;
    for (const Place place : {Place::At, Place::Alias}) {
        arch::Pte* const found = mm::master_table().walk(address(place)).slot;
        // SAFETY: a descriptor is a 64-bit value, and every access is a single 64-bit one.
        slots_[static_cast<u32>(place)] = reinterpret_cast<u64*>(found);
    }
}

Stage::~Stage()
{
    if (area_ != nullptr) {
        begin(Start::OldPage); // vunmap() wants each page mapped
        mm::vunmap(area_);
        mm::flush_freed();
    }
    for (u32 page = 0; page < owned_; ++page)
        mm::free_page(pages_[page]);
}

void Stage::begin(Start start)
{
    for (const Place place : {Place::At, Place::Alias})
        clear(place);
    arch::dsb<arch::Shareability::InnerShareable>();
    for (const Place place : {Place::At, Place::Alias})
        arch::tlbi_page<arch::TlbScope::AllCpus>(address(place), arch::TlbEntries::Leaves);
    arch::dsb<arch::Shareability::InnerShareable>();
    arch::tlbi_again();
    arch::dsb<arch::Shareability::InnerShareable>();
    arch::isb();
    write_page(0, kOld);
    write_page(1, kNew);
    flag.store(0, std::memory_order_relaxed);
    for (const Place place : {Place::At, Place::Alias}) {
        if (start == Start::OldPage)
            map_old(place);
    }
    publish_stores();
    arch::isb();
}

void Stage::clear(Place place)
{
    arch::store_descriptor(slot(place), 0);
}

bool Stage::is_clear(Place place) const
{
    return arch::load_descriptor(slot(place)) == 0;
}

void Stage::store(Place place, u32 page, mm::Attributes attributes)
{
    arch::store_descriptor(slot(place), arch::Pte::leaf(pages_[page], mm::kLastLevel, attributes).raw());
}

void Stage::invalidate(Place place) const
{
    if (!settings_.leaves_out_tlbi)
        arch::tlbi_page<arch::TlbScope::AllCpus>(address(place), arch::TlbEntries::Leaves);
}

void Stage::complete() const
{
    arch::dsb<arch::Shareability::InnerShareable>();
    if (!settings_.repeats_tlbi)
        return;
    arch::tlbi_again();
    arch::dsb<arch::Shareability::InnerShareable>();
}

void Stage::flush(Place place) const
{
    publish_stores();
    invalidate(place);
    complete();
}

VirtAddr Stage::address(Place place) const
{
    return address_of(area_) + kPage * static_cast<u64>(place);
}

void Stage::write_page(u32 page, u64 value) const
{
    *mm::linear_pointer<volatile u64>(pages_[page]) = value;
}

u64 Stage::read(Place place) const
{
    // SAFETY: a step of a shape: the address shows one of the two pages, or the caller catches the fault.
    return *reinterpret_cast<const volatile u64*>(address(place).raw());
}

void Stage::write(Place place, u64 value) const
{
    // SAFETY: as in read().
    *reinterpret_cast<volatile u64*>(address(place).raw()) = value;
}

void Stage::await_flag() const
{
    wait_patiently([this] { return flag.load(std::memory_order_acquire) != 0; });
}

void Stage::read_until_told() const
{
    wait_patiently([this] {
        static_cast<void>(read(Place::At));
        return flag.load(std::memory_order_relaxed) != 0;
    });
}

} // namespace percival
