// SPDX-License-Identifier: BSD-2-Clause
#include "arch/mmu/root_switch.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/mmu/idmap.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "mm/image/image.hpp"

// trampoline.S
extern "C" void replace_ttbr1(percival::u64 root, percival::u64 reserved);
extern "C" [[noreturn]] void stop_without_mmu(percival::u64 mmu_off);

namespace percival::arch {
namespace {

struct Par {
    PERCIVAL_SYSTEM_REGISTER(Par, "par_el1")
    using Failed = Field<0>;
    using Address = Field<51, 12>;
};

// Returns PAR_EL1 after an AT. On Cortex-A77 up to r1p0 a read of PAR_EL1 among loads from Device memory and
// exclusive accesses may deadlock, unless DMBs separate it from them (erratum 1508412).
Par translation_result()
{
    isb();
    dmb<Shareability::FullSystem>();
    const Par par = Par::read();
    dmb<Shareability::FullSystem>();
    return par;
}

} // namespace

void install_root(RootRegister root)
{
    ExceptionMask masked; // the vectors are not mapped while the reserved root is installed
    enter_idmap();
    in_idmap (&replace_ttbr1)(root.raw,
                              root_register(mm::image_to_physical(&boot::boot_tables.reserved)).raw);
    drop_idmap();
}

void stop_off_the_tables()
{
    mask_all_exceptions();
    enter_idmap();
    in_idmap (&stop_without_mmu)(Sctlr::mmu_off().raw);
    __builtin_unreachable();
}

bool translates_for_write(VirtAddr address)
{
    InterruptMask masked; // as in translate()
    asm volatile("at s1e1w, %0" : : "r"(address.raw()) : "memory");
    return translation_result().get<Par::Failed>() == 0;
}

bool runs_on_root(RootRegister root)
{
    return RootRegister::read().with<RootRegister::Cnp>(0).raw == root.raw;
}

bool root_is_common_not_private()
{
    return RootRegister::read().get<RootRegister::Cnp>() != 0;
}

Translation translate(VirtAddr address)
{
    InterruptMask masked; // no other code may change PAR_EL1 in between
    asm volatile("at s1e1r, %0" : : "r"(address.raw()) : "memory");
    const Par par = translation_result();
    if (par.get<Par::Failed>() != 0)
        return {false, {}};
    return {true, PhysAddr{par.raw & Par::Address::kMask} + Bytes{address.raw() & 0xfff}};
}

} // namespace percival::arch
