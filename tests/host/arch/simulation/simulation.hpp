// SPDX-License-Identifier: BSD-2-Clause
// What the host's arch headers do to memory and TLBs, as events for whoever simulates them
// (arch/simulated_machine.hpp). A thread without a machine just computes: its barriers and TLBIs do nothing.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::arch {

enum class Shareability : unsigned { NonShareable = 1, InnerShareable = 2, FullSystem = 3 };
enum class Access : unsigned { Load = 1, Store = 2, Any = 3 };
enum class TlbScope : u8 { ThisCpu, AllCpus };
enum class TlbEntries : u8 { Leaves, LeavesAndTables };

// One thing a CPU does that another may see, or see the lack of. What two CPUs do commutes unless their footprints
// conflict.
struct Step {
    enum class Kind : u8 {
        Local,   // nobody else can tell when: an access to its own memory, a barrier with nothing outstanding
        Load,    // of a descriptor, by software
        Store,   // to a descriptor
        Barrier, // that makes descriptors visible to walkers
        Access,  // through the page tables
        Global,  // may concern everybody: TLBIs, barriers that complete them, memory that changes hands
        Flag,    // software's own communication
    };
    Kind kind;
    const void* object{nullptr}; // the slot or the flag
};

constexpr bool conflict(const Step& a, const Step& b)
{
    using enum Step::Kind;
    if (a.kind == Local || b.kind == Local)
        return false;
    if (a.kind == Flag || b.kind == Flag)
        return a.kind == b.kind && a.object == b.object;
    if (a.kind == Load || b.kind == Load)
        return (a.kind == Store || b.kind == Store) && a.object == b.object;
    if (a.kind == Global || b.kind == Global)
        return true;
    if (a.kind == Access || b.kind == Access)
        return a.kind != b.kind;
    // Barriers make visible what their own CPU stored; stores to different slots are different addresses.
    return a.kind == Store && b.kind == Store && a.object == b.object;
}

class Simulation {
public:
    virtual ~Simulation() = default;
    virtual void load(const u64* slot) = 0; // is about to happen
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
