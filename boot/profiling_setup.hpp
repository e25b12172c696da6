// SPDX-License-Identifier: BSD-2-Clause
// Stops what a predecessor left running that writes to memory on its own: the profiling buffer of FEAT_SPE
// and the trace buffer of FEAT_TRBE. Their addresses are virtual, so they would write wherever the kernel's
// tables lead. A template over the CPU, as in boot/el2_setup.hpp; runs with the MMU off, at EL2 and at EL1.
#pragma once

#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/sysreg.hpp"

namespace percival::boot {

struct Pmbidr {
    PERCIVAL_SYSTEM_REGISTER(Pmbidr, "s3_0_c9_c10_7")
    using Prevented = arch::Field<4>; // a higher Exception level owns the buffer
};
struct Pmblimitr {
    PERCIVAL_SYSTEM_REGISTER(Pmblimitr, "s3_0_c9_c10_0") // bit 0 enables the buffer
};
struct Trbidr {
    PERCIVAL_SYSTEM_REGISTER(Trbidr, "s3_0_c9_c11_7")
    using Prevented = arch::Field<4>;
};
struct Trblimitr {
    PERCIVAL_SYSTEM_REGISTER(Trblimitr, "s3_0_c9_c11_0") // bit 0 enables the buffer
};

// Disables one buffer, and waits for what it has begun to write. A buffer that a higher Exception level owns
// stays alone: this level cannot have enabled it, and its registers trap.
template <class Identity, class Limit, class Cpu>
void stop_buffer(Cpu& cpu, bool exists)
{
    if (!exists || cpu.template read<Identity>().template get<typename Identity::Prevented>() != 0)
        return;
    cpu.write(Limit{});
    cpu.isb();
    cpu.finish_buffered_writes();
}

// Stops both buffers. configure_el2() leaves them to EL2, so reset_el1() finds them prevented on a CPU that
// has gone from EL2 to EL1, and stops them again on one that stays.
template <class Cpu>
void stop_profiling(Cpu& cpu)
{
    using arch::IdAa64Dfr0;
    const auto dfr0 = cpu.template read<IdAa64Dfr0>();
    stop_buffer<Pmbidr, Pmblimitr>(cpu, dfr0.template get<IdAa64Dfr0::PmsVer>() != 0);
    stop_buffer<Trbidr, Trblimitr>(cpu, dfr0.template get<IdAa64Dfr0::TraceBuffer>() != 0);
}

} // namespace percival::boot
