// SPDX-License-Identifier: BSD-2-Clause
#include "arch/mmu/idmap.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/mmu/tlb.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "mm/image/boot_tables.hpp"

namespace percival::arch {
namespace {

void set_ttbr0(const boot::TablePage& table)
{
    Ttbr0{mm::image_to_physical(&table).raw()}.write();
    isb();
}

} // namespace

void enter_idmap()
{
    set_ttbr0(boot::boot_tables.idmap);
}

void drop_idmap()
{
    set_ttbr0(boot::boot_tables.reserved);
    flush_tlb_this_cpu();
}

} // namespace percival::arch
