// SPDX-License-Identifier: BSD-2-Clause
// Exports constants of the C++ code to the assembly and the linker script, so that nothing is written twice.
// The build compiles this file to assembly only, and scripts/make_asm_offsets.py turns its `->NAME value`
// lines into #defines.
#include "arch/boot/boot_record.hpp"
#include "arch/exceptions/recovery_point.hpp"
#include "arch/exceptions/registers.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "arch/threads/stack_size.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image_seal.hpp"

#include <cstddef>

#define PERCIVAL_EXPORT(name, value) asm volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))

namespace percival::arch {

[[gnu::used]] void asm_offsets()
{
    using Layout = mm::KernelLayout;
    PERCIVAL_EXPORT(PAGE_SIZE, mm::KernelGeometry::kPageSize.count());
    PERCIVAL_EXPORT(GRANULE_FLAG, mm::KernelGeometry::kGranule == mm::Granule::K4    ? 1
                                  : mm::KernelGeometry::kGranule == mm::Granule::K16 ? 2
                                                                                     : 3);
    PERCIVAL_EXPORT(IMAGE_BASE, Layout::kImageWindow.base.raw());
    PERCIVAL_EXPORT(IMAGE_WINDOW_SIZE, Layout::kImageWindow.size.count());
    PERCIVAL_EXPORT(LOCAL_PERCPU_BASE, Layout::kLocalPercpu.base.raw());
    PERCIVAL_EXPORT(SLAB_SIZE, Layout::kSlabSize.count());

    PERCIVAL_EXPORT(PE_ALIGNMENT, 4096); // of its sections: the page of UEFI (UEFI 2.10, 2.3.6)
    PERCIVAL_EXPORT(IMAGE_SEAL_MAGIC, mm::ImageSeal::kMagic);
    PERCIVAL_EXPORT(IMAGE_SEAL_SIZE, sizeof(mm::ImageSeal));
    PERCIVAL_EXPORT(SCTLR_EL1_MMU_OFF, Sctlr::mmu_off().raw);

    PERCIVAL_EXPORT(STACK_SHIFT, kStackShift);
    PERCIVAL_EXPORT(STACK_SIZE, kStackSize.count());
    PERCIVAL_EXPORT(OVERFLOW_STACK_SIZE, kOverflowStackSize.count());

    PERCIVAL_EXPORT(REGISTERS_SIZE, sizeof(Registers));
    PERCIVAL_EXPORT(REGISTERS_SP, offsetof(Registers, sp));
    PERCIVAL_EXPORT(REGISTERS_PC, offsetof(Registers, pc));
    PERCIVAL_EXPORT(REGISTERS_ESR, offsetof(Registers, esr));
    PERCIVAL_EXPORT(REGISTERS_FRAME, offsetof(Registers, frame_record));

    PERCIVAL_EXPORT(BOOT_RECORD_MPIDR, offsetof(BootRecord, mpidr));
    PERCIVAL_EXPORT(BOOT_RECORD_ROOT, offsetof(BootRecord, root));
    PERCIVAL_EXPORT(BOOT_RECORD_TPIDR, offsetof(BootRecord, tpidr));
    PERCIVAL_EXPORT(BOOT_RECORD_STACK_TOP, offsetof(BootRecord, stack_top));
    PERCIVAL_EXPORT(BOOT_RECORD_SIZE, sizeof(BootRecord));
    PERCIVAL_EXPORT(HANDOFF_LEVEL, offsetof(boot::Handoff, level));

    PERCIVAL_EXPORT(RECOVERY_SP, offsetof(RecoveryPoint, sp));
    PERCIVAL_EXPORT(RECOVERY_SAVED, offsetof(RecoveryPoint, saved));
}

} // namespace percival::arch
