// SPDX-License-Identifier: BSD-2-Clause
// The events that the host's arch headers pass to a simulation of memory and TLBs
// (arch/simulation/simulated_machine.hpp). On a thread without a machine the headers only compute, and their
// barriers and TLBIs do nothing.
#pragma once

#include "kernel/lib/address.hpp"

namespace percival::arch {

enum class Shareability : unsigned {
    OuterShareable = 0,
    NonShareable = 1,
    InnerShareable = 2,
    FullSystem = 3
};
enum class Access : unsigned { Load = 1, Store = 2, Any = 3 };
enum class TlbScope : u8 { ThisCpu, AllCpus };
enum class TlbEntries : u8 { Leaves, LeavesAndTables };

// A step that one CPU takes and whose effect, or missing effect, another CPU may see. The order of two CPUs'
// steps matters only if they conflict.
struct Step {
    enum class Kind : u8 {
        Local,   // not visible to other CPUs: an access to own memory, a barrier with nothing outstanding
        Load,    // software reads a descriptor
        Store,   // software stores a descriptor
        Barrier, // makes descriptors visible to walkers
        Wait,    // a DSB that waits for loads: the CPU has caught up with what was visible before
        Isb,     // the CPU has caught up with invalidations that were complete before
        Access,  // an access through the page tables
        Own,     // changes what the CPU's own TLB and walkers may use, and no other's
        Global,  // may concern all CPUs: TLBIs, barriers that complete them, memory that changes hands
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
    if (a.kind == Isb || b.kind == Isb)
        return false;
    if (a.kind == Own || b.kind == Own) {
        const Step& other = a.kind == Own ? b : a;
        return other.kind != Own && other.kind != Access;
    }
    if (a.kind == Wait || b.kind == Wait)
        return a.kind == Barrier || b.kind == Barrier;
    if (a.kind == Access || b.kind == Access)
        return a.kind != b.kind;
    // A barrier makes visible what its own CPU stored. Stores to different slots do not conflict.
    return a.kind == Store && b.kind == Store && a.object == b.object;
}

class Simulation {
public:
    virtual ~Simulation() = default;
    virtual void load(const u64* slot) = 0; // called before the load
    virtual void store(u64* slot, u64 value) = 0;
    // Stores `value` if the slot holds 0. Returns the old value.
    virtual u64 link(u64* slot, u64 value) = 0;
    virtual void zero(u64* table, Bytes size) = 0;
    virtual void dmb(Access access) = 0;
    virtual void dsb(Shareability shareability, Access access) = 0;
    virtual void isb() = 0;
    virtual void tlbi(VirtRange range, TlbEntries entries, TlbScope scope) = 0;
    virtual void tlbi_all(TlbScope scope) = 0;
    virtual bool has_range_tlbi() const = 0;
    virtual bool needs_repeated_tlbi() const = 0;
};

// The machine that has one of its CPUs played by this thread.
inline thread_local Simulation* simulation = nullptr;

} // namespace percival::arch
