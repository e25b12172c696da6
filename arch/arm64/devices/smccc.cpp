// SPDX-License-Identifier: BSD-2-Clause
#include "arch/arm64/devices/smccc.hpp"

namespace percival::arch {

u64 call_firmware(PsciConduit conduit, u32 function, u64 argument1, u64 argument2, u64 argument3)
{
    // x0 to x3 are arguments and results. Before version 1.1 of the convention the callee may change x4 to
    // x17 too.
#define PERCIVAL_SMCCC_CLOBBERS \
    "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"
    register u64 x0 asm("x0") = function;
    register u64 x1 asm("x1") = argument1;
    register u64 x2 asm("x2") = argument2;
    register u64 x3 asm("x3") = argument3;
    switch (conduit) {
    case PsciConduit::None:
        return kNotSupported;
    case PsciConduit::Hvc:
        asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PERCIVAL_SMCCC_CLOBBERS);
        break;
    case PsciConduit::Smc:
        asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PERCIVAL_SMCCC_CLOBBERS);
        break;
    }
#undef PERCIVAL_SMCCC_CLOBBERS
    return x0;
}

} // namespace percival::arch
