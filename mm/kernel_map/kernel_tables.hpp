// SPDX-License-Identifier: BSD-2-Clause
// The kernel's own translation tables as an environment for the page-table engine, with the MMU on.
//
// Tables lie either in the image (the boot pool) or in RAM that the linear map covers. Until the linear map
// can serve, new tables come from the pool; later from early memory and the page allocator, always from
// ranges that are mapped already, so no temporary mapping is ever needed to fill one.
//
// Until the secondaries run only the boot CPU edits tables. Afterwards any CPU may, several at once and in any
// context, each in addresses that it owns (mm/page_table/page_table.hpp): callers serialize nothing but the use of their
// own range. What makes that safe is that the master's tables are shared, and a shared table is never freed:
// whoever finds one may go on in it.
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

// Where pages for tables come from and go back to, in any context.
struct TablePageSource {
    std::optional<PhysAddr> (*allocate)();
    void (*free)(PhysAddr page);
};

class KernelTables : public LiveTables<arch::Pte> {
public:
    using Break = LiveBreak;

    arch::Pte* table(PhysAddr address)
    {
        // All tables are in RAM, those of the image too.
        if (to_linear_ != 0) [[likely]]
            return reinterpret_cast<arch::Pte*>(address.raw() + to_linear_);
        return table_at_boot(address);
    }
    std::optional<PhysAddr> allocate();
    // Takes back a page of allocate() that no tree leads to: another CPU linked its own first. After
    // use_page_source().
    void release(PhysAddr page);
    // A change of a descriptor that needed break-before-make and was about to be made without: a panic.
    [[noreturn]] static void forbidden(arch::Pte old, arch::Pte now, Level level);

    // Whether leaves in use may change their size: on every CPU, without TLB conflict aborts. Not until
    // somebody has found that out.
    bool resizes_live() const { return resizes_live_; }
    void allow_live_resizes() { resizes_live_ = true; }

    // From now on tables come out of `mapped`, until it is used up.
    void give(PhysRange mapped);
    // The linear map is complete: all RAM is reached through it, and after that tables come from early
    // memory.
    void use_linear_map();
    // Returns what is left of `mapped` to early memory.
    void give_back_rest();
    // From now on tables come from `source`, which the page allocator hands in when it has started. Boot CPU,
    // before any other CPU runs.
    void use_page_source(const TablePageSource& source) { page_source_ = &source; }

    // Tables that stand: taken since boot and not given back.
    u64 tables_made() const { return tables_made_.load(std::memory_order_relaxed); }

private:
    arch::Pte* table_at_boot(PhysAddr address);
    std::optional<PhysAddr> take_page();

    // What is added to a physical address of RAM to get its linear address; 0 before the linear map is complete.
    u64 to_linear_{0};
    PhysRange given_{};
    const TablePageSource* page_source_{nullptr};
    bool resizes_live_{false};
    std::atomic<u64> tables_made_{0};
};

using KernelPageTable = PageTable<KernelGeometry, arch::Pte, KernelTables>;
using KernelTlbBatch = TlbBatch<KernelGeometry, KernelTables>;

inline constinit KernelTables the_kernel_tables;
inline KernelTables& kernel_tables()
{
    return the_kernel_tables;
}

// The root where shared regions are edited. It belongs to no CPU; its local percpu window is empty.
inline PhysAddr master_root()
{
    return image_to_physical(&boot::boot_tables.master);
}
inline KernelPageTable master_table()
{
    return {master_root(), kernel_tables()};
}

// Returns the register value that puts a CPU on the tree under `root`.
arch::RootRegister root_register(PhysAddr root);

} // namespace percival::mm
