// SPDX-License-Identifier: BSD-2-Clause
// What the host's arch headers do to memory and TLBs, as events for whoever simulates them
// (arch/simulated_machine.hpp). A thread without a machine just computes: its barriers and TLBIs do nothing.
#pragma once

#include "mm/address.hpp"

namespace percival::arch {

enum class Shareability { NonShareable, InnerShareable, FullSystem };
enum class Access { Any, Store, Load };
enum class TlbScope : u8 { ThisCpu, AllCpus };
enum class TlbEntries : u8 { Leaves, LeavesAndTables };

class Simulation {
public:
    virtual ~Simulation() = default;
    virtual void store(u64* slot, u64 value) = 0;
    // store() if the slot holds 0; what it held before.
    virtual u64 link(u64* slot, u64 value) = 0;
    virtual void zero(u64* table, Bytes size) = 0;
    virtual void dsb(Shareability shareability, Access access) = 0;
    virtual void isb() = 0;
    virtual void tlbi(VirtRange range, TlbEntries entries, TlbScope scope) = 0;
    virtual void tlbi_all(TlbScope scope) = 0;
    virtual bool has_range_tlbi() const = 0;
    virtual bool needs_repeated_tlbi() const = 0;
};

// The machine whose CPU this thread plays.
inline thread_local Simulation* simulation = nullptr;

} // namespace percival::arch
