// SPDX-License-Identifier: BSD-2-Clause
// Leaves out barriers and TLBIs of kernel sources that run on the simulated machine, for broken variants of a
// scenario: the code stays as it is, and what it asks of the machine does not happen.
#pragma once

#include "arch/simulation/simulation.hpp"

namespace percival::testing {

enum class Loss {
    Nothing,
    Tlbis,
    DsbsAfter,      // full DSBs that complete TLBIs
    DsbsBefore,     // all other DSBs
    Publications,   // of these, DSBs for stores
    OtherCpusTlbis, // broadcast TLBIs reach the own CPU alone
};

// Stands before the thread's machine while it exists, and passes on all that is not lost. Scenarios end it
// before they look at the machine's state.
class LossyMachine final : public arch::Simulation {
public:
    explicit LossyMachine(Loss loss) : loss_{loss}, machine_{*arch::simulation} { arch::simulation = this; }
    ~LossyMachine() override { arch::simulation = &machine_; }
    LossyMachine(const LossyMachine&) = delete;
    LossyMachine& operator=(const LossyMachine&) = delete;

    void load(const u64* slot) override { machine_.load(slot); }
    void store(u64* slot, u64 value) override { machine_.store(slot, value); }
    u64 link(u64* slot, u64 value) override { return machine_.link(slot, value); }
    void zero(u64* table, Bytes size) override { machine_.zero(table, size); }
    void dmb(arch::Access access) override { machine_.dmb(access); }
    void dsb(arch::Shareability shareability, arch::Access access) override
    {
        const bool is_full = access == arch::Access::Any;
        const bool is_after = is_full && follows_tlbis_;
        follows_tlbis_ = follows_tlbis_ && !is_full;
        const bool is_lost = loss_ == (is_after ? Loss::DsbsAfter : Loss::DsbsBefore) ||
                             (loss_ == Loss::Publications && !is_full);
        if (!is_lost)
            machine_.dsb(shareability, access);
    }
    void isb() override { machine_.isb(); }
    void tlbi(VirtRange range, arch::TlbEntries entries, arch::TlbScope scope) override
    {
        follows_tlbis_ = true;
        if (loss_ != Loss::Tlbis)
            machine_.tlbi(range, entries, reached(scope));
    }
    void tlbi_all(arch::TlbScope scope) override
    {
        follows_tlbis_ = true;
        if (loss_ != Loss::Tlbis)
            machine_.tlbi_all(reached(scope));
    }
    bool has_range_tlbi() const override { return machine_.has_range_tlbi(); }
    bool needs_repeated_tlbi() const override { return machine_.needs_repeated_tlbi(); }

private:
    arch::TlbScope reached(arch::TlbScope scope) const
    {
        return loss_ == Loss::OtherCpusTlbis ? arch::TlbScope::ThisCpu : scope;
    }

    Loss loss_;
    arch::Simulation& machine_;
    bool follows_tlbis_{false}; // since the last full DSB
};

} // namespace percival::testing
