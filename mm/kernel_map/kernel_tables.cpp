// SPDX-License-Identifier: BSD-2-Clause
#include "mm/kernel_map/kernel_tables.hpp"

#include "kernel/lib/panic.hpp"
#include "linker/ro_after_init.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/physical/early_memory.hpp"

namespace percival::mm {

PERCIVAL_RO_AFTER_INIT constinit KernelTableSettings kernel_table_settings{};

namespace {

PhysRange image_range()
{
    return {boot::handoff.image, address_of(_image_end) - address_of(_image_start)};
}

} // namespace

arch::Pte* KernelTables::table_at_boot(PhysAddr address)
{
    if (image_range().contains(address))
        // SAFETY: the image is mapped as a whole at its link addresses, and the caller names a table in it.
        return reinterpret_cast<arch::Pte*>(physical_to_image(address).raw());
    return linear_pointer<arch::Pte>(address);
}

std::optional<PhysAddr> KernelTables::take_page()
{
    constexpr Bytes kPage = KernelGeometry::kPageSize;
    // Ask the page source first: only this source may be used by several CPUs at once.
    if (kernel_table_settings.page_source != nullptr)
        return kernel_table_settings.page_source->allocate();
    if (!unused_pages_.is_empty()) {
        unused_pages_.size = unused_pages_.size - kPage;
        return unused_pages_.end();
    }
    if (kernel_table_settings.to_linear != 0) {
        const auto page = early_memory().allocate(kPage, kPage);
        return page ? std::optional{page->base} : std::nullopt;
    }
    auto& tables = boot::boot_tables;
    if (tables.pool_used == boot::kPoolTables)
        return std::nullopt;
    return image_to_physical(&tables.pool[tables.pool_used++]);
}

std::optional<PhysAddr> KernelTables::allocate()
{
    const auto page = allocate_unfilled();
    if (page)
        zero(table(*page), KernelGeometry::kPageSize);
    return page;
}

std::optional<PhysAddr> KernelTables::allocate_unfilled()
{
    const auto page = take_page();
    if (page)
        tables_made_.fetch_add(1, std::memory_order_relaxed);
    return page;
}

void KernelTables::free(PhysAddr page)
{
    tables_made_.fetch_sub(1, std::memory_order_relaxed);
    kernel_table_settings.page_source->free(page);
}

void KernelTables::forbidden(arch::Pte old, arch::Pte now, Level level)
{
    panic("descriptor {:x} of level {} was about to become {:x} without break-before-make", old.raw(),
          level.number(), now.raw());
}

void KernelTables::use_pages(PhysRange mapped)
{
    unused_pages_ = mapped;
}

void KernelTables::use_linear_map()
{
    kernel_table_settings.to_linear = linear_address(PhysAddr{0}).raw();
}

void KernelTables::free_rest()
{
    if (early_memory().free(unused_pages_))
        unused_pages_ = {};
}

arch::RootRegister root_register(PhysAddr root)
{
    const auto at = [](PhysAddr address) {
        // SAFETY: a descriptor is a 64-bit value (PteFormat).
        return reinterpret_cast<const u64*>(kernel_tables().table(address));
    };
    return arch::root_register(walk_start<KernelGeometry, arch::Pte>(root, at));
}

} // namespace percival::mm
