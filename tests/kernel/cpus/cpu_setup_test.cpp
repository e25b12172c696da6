// SPDX-License-Identifier: BSD-2-Clause
// Tests that every CPU runs with registers that the kernel has set, whoever used the CPU before. In most runs
// nobody did. Rows of tests/boot with `leftovers`, and those with spin tables, give these tests something to
// find.
#include "boot/el1_setup.hpp"

#include "arch/cpu/exception_level.hpp"
#include "arch/cpu/performance_counter.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/selftest/selftest.hpp"
#include "mm/image/boot_tables.hpp"
#include "tests/kernel/support/cpu_choice.hpp"

namespace percival {
namespace {

using namespace boot;

struct Oslsr {
    PERCIVAL_SYSTEM_REGISTER(Oslsr, "oslsr_el1")
    using Locked = arch::Field<1>;
};
struct Pmintenset {
    PERCIVAL_SYSTEM_REGISTER(Pmintenset, "pmintenset_el1")
};
struct Pmovsset {
    PERCIVAL_SYSTEM_REGISTER(Pmovsset, "pmovsset_el0")
};
struct Tpidr2 {
    PERCIVAL_SYSTEM_REGISTER(Tpidr2, "s3_3_c13_c0_5") // FEAT_SME
};
// Fields of PSTATE that an exception does not change.
struct Pan {
    PERCIVAL_SYSTEM_REGISTER(Pan, "s3_0_c4_c2_3")
};
struct Dit {
    PERCIVAL_SYSTEM_REGISTER(Dit, "s3_3_c4_c2_5")
};
using Sme = arch::Field<27, 24>;    // of ID_AA64PFR1_EL1
using HasPan = arch::Field<23, 20>; // of ID_AA64MMFR1_EL1
using HasDit = arch::Field<51, 48>; // of ID_AA64PFR0_EL1

constexpr u64 kDebugExceptions = u64{1} << 15 | u64{1} << 13 | 1; // MDSCR_EL1.MDE, KDE, SS

// Returns all bits that are set in the controls of this CPU's breakpoints and watchpoints.
u64 debug_controls()
{
    const auto dfr0 = arch::IdAa64Dfr0::read();
    u64 set = 0;
    [&]<unsigned... N>(std::integer_sequence<unsigned, N...>) {
        ((set |= N <= dfr0.get<arch::IdAa64Dfr0::Brps>() ? BreakpointControl<N>::read().raw : 0), ...);
        ((set |= N <= dfr0.get<arch::IdAa64Dfr0::Wrps>() ? WatchpointControl<N>::read().raw : 0), ...);
    }(std::make_integer_sequence<unsigned, kMaxDebugControls>{});
    return set;
}

// Runs on the CPU that it checks.
void expect_known_state()
{
    EXPECT_EQ(Mdscr::read().raw & kDebugExceptions, 0u);
    EXPECT_EQ(debug_controls(), 0u);
    EXPECT_EQ(Oslsr::read().get<Oslsr::Locked>(), 0u);
    EXPECT_EQ(arch::Cpacr::read().raw, 0u);
    EXPECT_EQ(Cntkctl::read().raw, 0u);
    EXPECT_EQ(Contextidr::read().raw, 0u);
    if (HasPan::of(arch::IdAa64Mmfr1::read().raw) != 0)
        EXPECT_EQ(Pan::read().raw, 0u);
    if (HasDit::of(arch::IdAa64Pfr0::read().raw) != 0)
        EXPECT_EQ(Dit::read().raw, 0u);
    if (!arch::has_performance_counters())
        return;
    EXPECT_EQ(arch::Pmcntenset::read().raw, arch::counts_instructions() ? 1u : 0u);
    EXPECT_EQ(Pmintenset::read().raw, 0u);
    EXPECT_EQ(Pmovsset::read().raw, 0u);
    EXPECT_EQ(Pmuserenr::read().raw, 0u);
}

PERCIVAL_TEST(cpu_setup, no_cpu_has_state_of_a_predecessor)
{
    for_each_online_cpu([](CpuId cpu) { call_on(cpu, [] { expect_known_state(); }); });
}

PERCIVAL_TEST(cpu_setup, a_cpu_that_comes_back_has_no_state_of_its_time_before)
{
    SKIP_UNLESS_CPUS_CAN_GO();
    const CpuId cpu = nth_online_cpu(1);
    call_on(cpu, [] {
        // Debug exceptions stay masked by PSTATE.D.
        WatchpointControl<0>{0x1f00'1ffb}.write();
        BreakpointControl<0>{0x1e3}.write();
        Mdscr{kDebugExceptions}.write();
        Oslar{1}.write();
        Cntkctl{0x303}.write();
        Contextidr{0xa5}.write();
        if (arch::has_performance_counters()) {
            arch::Pmcntenset{0xffff'ffff}.write();
            Pmintenset{0xffff'ffff}.write();
            Pmuserenr{0xf}.write();
        }
    });
    {
        const Away away{cpu};
    }
    call_on(cpu, [] { expect_known_state(); });
}

PERCIVAL_TEST(cpu_setup, an_hvc_without_a_hypervisor_is_not_supported)
{
    if (handoff.entered_at_el2 == 0)
        SKIP("the kernel was entered at EL1: EL2 is not its own");
    if (arch::runs_at_el2())
        SKIP("the kernel runs at EL2");
    for_each_online_cpu([](CpuId cpu) {
        call_on(cpu, [] {
            register u64 x0 asm("x0") = 0x8400'0000; // PSCI_VERSION
            register u64 x1 asm("x1") = 0x1234;
            asm volatile("hvc #0" : "+r"(x0), "+r"(x1) : : "memory");
            const u64 result = x0, argument = x1;
            EXPECT_EQ(static_cast<s64>(result), -1);
            EXPECT_EQ(argument, 0x1234u);
        });
    });
}

PERCIVAL_TEST(cpu_setup, a_trap_to_el2_is_an_exception_of_el1)
{
    if (handoff.entered_at_el2 == 0)
        SKIP("the kernel was entered at EL1: EL2 is not its own");
    if (arch::runs_at_el2())
        SKIP("the kernel runs at EL2");
    if (arch::IdAa64Mmfr0::read().get<arch::IdAa64Mmfr0::Fgt>() == 0 ||
        Sme::of(arch::IdAa64Pfr1::read().raw) == 0)
        SKIP("the CPU has no register that EL2 keeps from the kernel");
    const auto fault = arch::catch_fault([](void*) { Tpidr2::read(); }, nullptr);
    ASSERT(fault.has_value());
    constexpr u64 kSystemRegister = 0x18;
    EXPECT_EQ(fault->esr >> 26, kSystemRegister);
}

} // namespace
} // namespace percival
