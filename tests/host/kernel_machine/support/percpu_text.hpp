// SPDX-License-Identifier: BSD-2-Clause
// The text of this_cpu operations, the translation of local addresses, and the adds that can be measured.
//
// The text is one form at a time. Watched all the time: no CPU executes a this_cpu operation while another
// CPU patches the text, or after that before it has synchronized its context (arch::isb(), an exception).
//
// A load of 8 bytes from the local address of a percpu variable is translated by the TLB of the CPU.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <functional>

namespace percival::testing {

inline constexpr u32 kAddForms = 3;
inline constexpr u32 kRoundsOfAdds = 3;

struct PercpuText {
    u64 counts_to_patch{10};
    u32 patches{0};
    // How long each round of 1000 adds takes: LDADD, STADD, LL/SC.
    std::array<std::array<u64, kRoundsOfAdds>, kAddForms> counts_of_adds{};
    std::array<u32, kAddForms> adds{};
    u32 local_loads{0};
};
inline PercpuText percpu_text{};

// From now on a local load on a CPU sees the copy of CPU tlb(cpu). It may take time. None: of its own.
void set_tlb(std::function<u32(u32 cpu)> tlb);
// Called before a load of 8 bytes from the local address `address`.
void translate_local_load(void* address);

// CPU number `cpu` fetches the text as it is now: it is turned on, or takes or leaves an exception.
void begin_with_text(u32 cpu);
void reset_percpu_text();

} // namespace percival::testing
