// SPDX-License-Identifier: BSD-2-Clause
// Brings the system registers of this CPU into the state that the kernel needs, with the MMU off: first at
// EL2 if the CPU was entered there, then at the level of the kernel. Every CPU runs this, each on its own
// stack. Position independent, like all code that runs with the MMU off.
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/performance_counter.hpp"
#include "arch/mmu/root_register.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "boot/el1_setup.hpp"
#include "boot/el2_setup.hpp"
#include "boot/level_choice.hpp"
#include "boot/pointer_authentication.hpp"
#include "mm/image/boot_tables.hpp"

namespace percival::boot {
namespace {

// The registers of the CPU that runs this.
struct ThisCpu {
    template <class Register>
    static Register read()
    {
        return Register::read();
    }
    template <class Register>
    static void write(Register value)
    {
        value.write();
    }
    static void isb() { arch::isb(); }
    static void dsb() { arch::dsb<arch::Shareability::NonShareable>(); }
    static void finish_buffered_writes()
    {
        arch::psb_csync();
        arch::tsb_csync();
        arch::dsb<arch::Shareability::NonShareable>();
    }
};

} // namespace

// Configures EL2 for the kernel, and returns the level at which this CPU continues, as in CurrentEL. The boot
// CPU comes twice if the kernel runs at EL2: the first time the arguments have not been read. A CPU that
// lacks FEAT_VHE goes to EL1 in any case, and is refused there (boot/start.S). Called at EL2.
extern "C" u64 boot_configure_el2()
{
    ThisCpu cpu;
    const bool kernel_stays = handoff.level == kAtEl2 && has_vhe(arch::IdAa64Mmfr1::read());
    configure_el2(cpu, arch::Sctlr::mmu_off().raw, kernel_stays);
    // Only the boot CPU writes this. The others find it set and must not write data that may be in a cache.
    if (handoff.entered_at_el2 == 0)
        handoff.entered_at_el2 = 1;
    return kernel_stays ? kAtEl2 : kAtEl1;
}

// Prepares this CPU for turning the MMU on and returns the SCTLR_EL1 value that does so. Called at the level
// of the kernel. At EL2 the names of the registers of EL1 stand for those of EL2
// (arch/cpu/exception_level.hpp).
extern "C" u64 boot_prepare_cpu()
{
    ThisCpu cpu;
    reset_el1(cpu);
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
