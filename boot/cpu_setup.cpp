// SPDX-License-Identifier: BSD-2-Clause
// Brings the system registers of this CPU into the state that the kernel needs, with the MMU off: first at
// EL2 if the CPU was entered there, then at EL1. Every CPU runs this, each on its own stack. Position
// independent, like all code that runs with the MMU off.
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/floating_point.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/performance_counter.hpp"
#include "arch/mmu/root_register.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "boot/pointer_authentication.hpp"
#include "mm/image/boot_tables.hpp"

namespace percival::boot {
namespace {

using arch::Field;

struct Hcr {
    PERCIVAL_SYSTEM_REGISTER(Hcr, "hcr_el2")
    using Rw = Field<31>;  // EL1 is AArch64
    using E2h = Field<34>; // FEAT_VHE
    using Apk = Field<40>; // FEAT_PAuth: key registers are not trapped
    using Api = Field<41>; // FEAT_PAuth: instructions are not trapped
};

#define PERCIVAL_WRITE_REGISTER(name, value) asm volatile("msr " name ", %x0" : : "rZ"(value))

// Clears HCR_EL2.E2H and returns whether it is clear. Without FEAT_E2H0 the bit stays 1, and some EL2
// registers have the layout of their EL1 counterparts.
bool leave_virtualization_host_mode()
{
    Hcr{}.with<Hcr::Rw>(1).with<Hcr::Apk>(1).with<Hcr::Api>(1).write();
    arch::isb();
    return Hcr::read().get<Hcr::E2h>() == 0;
}

// Disables all traps and offsets for accesses from EL1 to the counters, FP, debug and the PMU.
void open_el1(bool host_mode_left)
{
    if (host_mode_left) {
        PERCIVAL_WRITE_REGISTER("cnthctl_el2", u64{3});   // EL1PCTEN, EL1PCEN
        PERCIVAL_WRITE_REGISTER("cptr_el2", u64{0x33ff}); // RES1 bits, TFP = 0
        PERCIVAL_WRITE_REGISTER("sctlr_el1", arch::Sctlr::mmu_off().raw);
    } else {
        PERCIVAL_WRITE_REGISTER("cnthctl_el2", u64{3} << 10);                // EL1PCTEN, EL1PTEN
        PERCIVAL_WRITE_REGISTER("cptr_el2", u64{3} << 20);                   // FPEN
        PERCIVAL_WRITE_REGISTER("s3_5_c1_c0_0", arch::Sctlr::mmu_off().raw); // SCTLR_EL12
    }
    PERCIVAL_WRITE_REGISTER("cntvoff_el2", u64{0});
    PERCIVAL_WRITE_REGISTER("hstr_el2", u64{0});
    PERCIVAL_WRITE_REGISTER("vttbr_el2", u64{0});
    PERCIVAL_WRITE_REGISTER("vpidr_el2", arch::Midr::read().raw);
    PERCIVAL_WRITE_REGISTER("vmpidr_el2", arch::Mpidr::read().raw);
    PERCIVAL_WRITE_REGISTER("mdcr_el2", arch::performance_counters_for_el1());
}

// Clears the fine-grained traps (FEAT_FGT), whose reset value is unknown.
void disable_fine_grained_traps()
{
    if (arch::IdAa64Mmfr0::read().get<arch::IdAa64Mmfr0::Fgt>() == 0)
        return;
    PERCIVAL_WRITE_REGISTER("s3_4_c1_c1_4", u64{0}); // HFGRTR_EL2
    PERCIVAL_WRITE_REGISTER("s3_4_c1_c1_5", u64{0}); // HFGWTR_EL2
    PERCIVAL_WRITE_REGISTER("s3_4_c1_c1_6", u64{0}); // HFGITR_EL2
    PERCIVAL_WRITE_REGISTER("s3_4_c3_c1_4", u64{0}); // HDFGRTR_EL2
    PERCIVAL_WRITE_REGISTER("s3_4_c3_c1_5", u64{0}); // HDFGWTR_EL2
}

void give_gic_registers_to_el1()
{
    if (arch::IdAa64Pfr0::read().get<arch::IdAa64Pfr0::Gic>() == 0)
        return;
    PERCIVAL_WRITE_REGISTER("s3_4_c12_c9_5", u64{0xf}); // ICC_SRE_EL2: SRE, DFB, DIB, Enable
    arch::isb();
    PERCIVAL_WRITE_REGISTER("s3_4_c12_c11_0", u64{0}); // ICH_HCR_EL2: no virtual interface
}

} // namespace

// Configures EL2 for a kernel at EL1. Called at EL2.
extern "C" void boot_configure_el2()
{
    open_el1(leave_virtualization_host_mode());
    disable_fine_grained_traps();
    give_gic_registers_to_el1();
    // Only the boot CPU writes this. The others find it set and must not write data that may be in a cache.
    if (handoff.entered_at_el2 == 0)
        handoff.entered_at_el2 = 1;
}

// Prepares this CPU for turning the MMU on and returns the SCTLR_EL1 value that does so. Called at EL1.
extern "C" u64 boot_prepare_cpu()
{
    arch::Sctlr::mmu_off().write();
    arch::trap_floating_point();
    arch::start_performance_counter();

    using Idmap = mm::IdmapGeometry;
    using Kernel = mm::KernelGeometry;
    arch::Mair::kernel().write();
    arch::Tcr::kernel<Kernel::kGranule, Idmap::kVaBits, Kernel::kVaBits>(
        arch::IdAa64Mmfr0::read().get<arch::IdAa64Mmfr0::PaRange>())
        .write();
    arch::Ttbr0{address_of(&boot_tables.idmap).raw()}.write();
    arch::root_register(PhysAddr{address_of(&boot_tables.reserved).raw()}).write();
    arch::isb();
    return arch::Sctlr::kernel(set_pointer_authentication_key()).raw;
}

} // namespace percival::boot
