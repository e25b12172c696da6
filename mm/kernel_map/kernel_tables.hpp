// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own translation tables as an environment for the page-table engine, with the MMU on.
//
// Tables are either in the image (the boot pool) or in RAM that the linear map covers. New tables come from
// the pool until the linear map can provide them, and later from early memory and the page allocator. These
// ranges are always mapped already, so filling a table never needs a temporary mapping.
//
// Until the secondaries run only the boot CPU edits tables. Afterwards any CPU may, several at once and in
// any context, each for addresses that it owns (mm/page_table/page_table.hpp). Callers serialize only the use
// of their own range. This is safe because the master's tables are shared, and a shared table is never freed
// (INV-page_table-4): a CPU that finds a table may go on in it.
#pragma once

#include "arch/mmu/pte.hpp"
#include "arch/mmu/root_register.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/live_break.hpp"
#include "mm/kernel_map/live_tables.hpp"
#include "mm/page_table/page_table.hpp"

#include <atomic>
#include <optional>

namespace percival::mm {

// Allocates and frees pages for tables, in any context.
struct TablePageSource {
    std::optional<PhysAddr> (*allocate)();
    void (*free)(PhysAddr page);
};

// What is settled about the tables while the kernel comes up.
struct KernelTableSettings {
    // The difference between a linear address and its physical address; 0 before the linear map is complete.
    u64 to_linear{0};
    const TablePageSource* page_source{nullptr};
    bool resizes_live{false};
};
extern KernelTableSettings kernel_table_settings;

class KernelTables : public LiveTables<arch::Pte> {
public:
    using Break = LiveBreak;

    arch::Pte* table(PhysAddr address)
    {
        // SAFETY: all tables are in RAM, those in the image too, and the linear map covers all RAM.
        if (kernel_table_settings.to_linear != 0) [[likely]]
            return reinterpret_cast<arch::Pte*>(address.raw() + kernel_table_settings.to_linear);
        return table_at_boot(address);
    }
    std::optional<PhysAddr> allocate();
    std::optional<PhysAddr> allocate_unfilled();
    // Frees a page from allocate() that no tree leads to, because another CPU linked its own table first.
    // Called after use_page_source() only.
    void free(PhysAddr page);
    // Panics: a descriptor was about to change without the break-before-make that the change needs.
    [[noreturn]] static void forbidden(arch::Pte old, arch::Pte now, Level level);

    // Returns whether leaves in use may change their size: on every CPU, without TLB conflict aborts. False
    // until allow_live_resizes() says so.
    static bool resizes_live() { return kernel_table_settings.resizes_live; }
    static void allow_live_resizes() { kernel_table_settings.resizes_live = true; }

    // Takes new tables from `mapped` from now on, until it is used up.
    void use_pages(PhysRange mapped);
    // Called when the linear map is complete. From now on all RAM is accessed through it. New tables come
    // from early memory and, after use_page_source(), from the page allocator.
    static void use_linear_map();
    // Frees the pages from use_pages() that became no tables, to early memory.
    void free_rest();
    // From now on tables come from `source`, which the page allocator hands in when it has started. Boot CPU,
    // before any other CPU runs.
    static void use_page_source(const TablePageSource& source)
    {
        kernel_table_settings.page_source = &source;
    }

    // The number of tables in existence: allocated since boot and not freed.
    u64 tables_made() const { return tables_made_.load(std::memory_order_relaxed); }

private:
    arch::Pte* table_at_boot(PhysAddr address);
    std::optional<PhysAddr> take_page();

    PhysRange unused_pages_{};
    std::atomic<u64> tables_made_{0};
};

using KernelPageTable = PageTable<KernelGeometry, arch::Pte, KernelTables>;
using KernelTlbBatch = TlbBatch<KernelGeometry, KernelTables>;

inline constinit KernelTables the_kernel_tables;
inline KernelTables& kernel_tables()
{
    return the_kernel_tables;
}

// The root in which shared regions are edited. It belongs to no CPU; its local percpu window is empty.
inline PhysAddr master_root()
{
    return image_to_physical(&boot::boot_tables.master);
}
inline KernelPageTable master_table()
{
    return {master_root(), kernel_tables()};
}

// Returns the register value that puts a CPU on the tree under `root`. In a folded build the hardware starts
// to walk behind the root's start (mm/address_space/fold.hpp).
arch::RootRegister root_register(PhysAddr root);

} // namespace percival::mm
