// SPDX-License-Identifier: BSD-2-Clause
// Two CPUs of the simulated machine in the shapes of litmus tests. The machine returns everything that an
// access may get, so an outcome is allowed if it is among the results, and forbidden if it is not. Flags
// order the two CPUs, so each test needs one order of steps only.
#pragma once

#include "page_table/two_cpu_bed.hpp"

namespace percival::testing::litmus {

using G = mm::Geometry4k39;
using Pte = SimulatedPte;
using arch::Access;
using arch::Shareability;
using arch::TlbEntries;
using arch::TlbScope;
using Machine = SimulatedMachine<G>;
using Taking = Machine::Taking;

inline constexpr VirtAddr kAt = G::kKernelBase;
inline constexpr Bytes kPage = G::kPageSize;

template <Access A>
void dsb_ish()
{
    arch::dsb<Shareability::InnerShareable, A>();
}
inline void tlbi(VirtAddr at = kAt)
{
    arch::tlbi_page<TlbScope::AllCpus>(at, TlbEntries::Leaves);
}

// Two CPUs on one root, with tables for the first addresses. CPU 0 takes the next steps.
struct LitmusTest : TwoCpuBed<G> {
    void see(u64 n = 0) { static_cast<void>(mm::load_descriptor(slot(n))); }
    // CPU 0 sets the flag, and CPU 1 takes it and goes on.
    void tell(Taking taking)
    {
        machine.release(&flag);
        machine.execute_on(1);
        machine.acquire(&flag, taking);
    }
    void flush()
    {
        dsb_ish<Access::Store>();
        tlbi();
        dsb_ish<Access::Any>();
        arch::isb();
    }

    bool may_fault(u32 cpu, VirtAddr at = kAt) { return may_get(cpu, std::nullopt, at); }
    bool may_get(u32 cpu, std::optional<PhysAddr> to, VirtAddr at = kAt)
    {
        return std::ranges::any_of(machine.outcomes(cpu, at),
                                   [to](const Outcome& outcome) { return outcome.address == to; });
    }
    bool is_refused() { return !machine.take_violations().empty(); }

    int flag{0};
};

} // namespace percival::testing::litmus
