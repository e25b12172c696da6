// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/shape_steps.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/probes/meeting.hpp"
#include "kernel/sync/preemption.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/spurious_fault.hpp"

namespace percival {
namespace {

using Side = Meeting::Side;

// Calls f(), which a fault ends.
template <class F>
void until_fault(F f)
{
    static_cast<void>(arch::catch_fault([](void* given) { (*static_cast<F*>(given))(); }, &f));
}

u64 retried_faults(CpuId self)
{
    return std::atomic_ref{mm::spurious_faults.on(self)}.load(std::memory_order_relaxed);
}

// The tries of one pair. Both CPUs have interrupts masked during the steps, but not between tries.
class Tries : Immovable {
public:
    Tries(const ShapeSteps& steps, Outcome asked, Stage& stage, TryBudget budget, Tally& tally)
        : steps_{steps}, asked_{asked}, stage_{stage}, budget_{budget}, tally_{tally}
    {
    }

    void run_alone(CpuId self)
    {
        while (begin()) {
            const arch::InterruptMask masked;
            record(observe(self));
        }
    }

    void run_writer()
    {
        for (;;) {
            const bool goes_on = begin();
            is_over_ = !goes_on;
            {
                // The observer waits with interrupts masked. So no other thread may run here meanwhile, which
                // could call all CPUs and wait for them.
                const PreemptGuard alone;
                meeting_.meet(Side::Writer);
                if (!goes_on)
                    return;
                meeting_.meet(Side::Writer); // the observer is warm
                {
                    const arch::InterruptMask masked;
                    steps_.writer(stage_);
                }
                meeting_.meet(Side::Writer);
            }
            record(outcome_);
        }
    }

    void run_observer(CpuId self)
    {
        for (;;) {
            meeting_.meet(Side::Observer);
            if (is_over_)
                return;
            warm();
            const arch::InterruptMask masked;
            meeting_.meet(Side::Observer);
            outcome_ = observe(self);
            meeting_.meet(Side::Observer);
        }
    }

private:
    bool begin()
    {
        const u64 now = arch::timer_ticks();
        if (tries_ == 0)
            began_ = now;
        if (!budget_.allows(tries_, now - began_))
            return false;
        stage_.begin(steps_.start);
        return true;
    }

    // Brings the start into this CPU's TLB, and lets it forget faults of the try before.
    void warm()
    {
        arch::dsb<arch::Shareability::InnerShareable>();
        arch::isb();
        if (steps_.start != Stage::Start::OldPage)
            return;
        for (const Stage::Place place : {Stage::Place::At, Stage::Place::Alias})
            stage_.write(place, stage_.read(place));
    }

    Outcome observe(CpuId self)
    {
        if (steps_.meanwhile != nullptr)
            until_fault([this] { steps_.meanwhile(stage_); });
        Outcome seen = Outcome::Fault;
        const u64 before = retried_faults(self);
        until_fault([this, &seen] { seen = steps_.observer(stage_); });
        return seen != asked_ && retried_faults(self) != before ? Outcome::Fault : seen;
    }

    void record(Outcome outcome)
    {
        ++tries_;
        ++tally_.tries;
        ++tally_.seen[static_cast<u32>(outcome)];
    }

    const ShapeSteps& steps_;
    Outcome asked_;
    Stage& stage_;
    TryBudget budget_;
    Tally& tally_;
    Meeting meeting_{};
    u64 tries_{0};
    u64 began_{0};
    // Written by one side before a meeting, and read by the other one after it.
    bool is_over_{false};
    Outcome outcome_{};
};

} // namespace

Tally try_shape(const ShapeSteps& steps, Outcome asked, Stage& stage, const CpuPairs& pairs, TryBudget budget)
{
    Tally tally;
    for (const CpuPair& pair : pairs) {
        Tries tries{steps, asked, stage, budget.divided_by(pairs.size()), tally};
        run_everywhere([&](CpuId self) {
            if (!steps.needs_two_cpus()) {
                if (self == pair.writer)
                    tries.run_alone(self);
            } else if (self == pair.writer) {
                tries.run_writer();
            } else if (self == pair.observer) {
                tries.run_observer(self);
            }
        });
    }
    return tally;
}

} // namespace percival
