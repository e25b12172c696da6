// SPDX-License-Identifier: BSD-2-Clause
// A thread unmaps a page, flushes, frees the memory and maps another page, and migrates to another CPU before
// any one of its steps.
#include "tests/host/support/assembly_source.hpp"
#include "tests/host/support/simulated_tables.hpp"

#include <algorithm>
#include <utility>

namespace percival::testing {
namespace {

using G = mm::Geometry4k39;
using arch::Shareability;
using Machine = SimulatedMachine<G>;

constexpr Bytes kPage = G::kPageSize;
constexpr VirtRange kRange{G::kKernelBase, kPage};

// Moves the thread to CPU 1 before step number `when`. switch_context() makes its DSB on the CPU that the
// thread leaves, and on the other one as it leaves the thread before. The CPUs hand the thread over by the
// run queue's lock. Returns how many steps the thread took, and what was wrong.
struct Migration {
    Migration(u64 when, bool has_barrier) : when_{when}, has_barrier_{has_barrier}
    {
        machine.set_root(0, root);
        machine.set_root(1, root);
        EXPECT_TRUE(engine.map(kRange, kMemory, mm::kData));
        machine.synchronize(1);
        machine.on_step = [this](const arch::Step&) {
            if (steps++ == when_)
                migrate();
        };
        replace();
        machine.on_step = nullptr;
        for (const Outcome& outcome : machine.outcomes(machine.executing(), kRange.base)) {
            if (outcome.address == kMemory)
                wrong = true; // a fault is possible once
        }
        machine.synchronize(0);
        machine.synchronize(1);
        machine.expect_settled();
        wrong = wrong || !machine.take_violations().empty();
    }

    u64 steps{0};
    bool wrong{false};

private:
    void replace()
    {
        {
            mm::TlbBatch<G, SimulatedTables<G>> batch{env};
            EXPECT_TRUE(engine.unmap(kRange, batch));
        }
        machine.reuse_memory({kMemory, kPage});
        EXPECT_TRUE(engine.map(kRange, kMemory + kPage, mm::kData));
    }
    void migrate()
    {
        const auto on_step = std::exchange(machine.on_step, nullptr);
        pass_barrier();
        machine.release(&queue_);
        machine.execute_on(1);
        machine.acquire(&queue_, Machine::Taking::Exchange);
        pass_barrier();
        machine.on_step = on_step;
    }
    void pass_barrier()
    {
        if (!has_barrier_)
            return;
        arch::dsb<Shareability::InnerShareable>();
        // After it the CPU begins no access with a translation from before it.
        machine.synchronize(machine.executing());
    }

    u64 when_;
    bool has_barrier_;
    int queue_{0};
    Machine machine{2, 16};
    SimulatedTables<G> env{machine};
    PhysAddr root = *env.allocate();
    mm::PageTable<G, SimulatedPte, SimulatedTables<G>> engine{root, env};
};

bool context_switch_has_its_barrier()
{
    const auto steps = instructions_of(context_switch_source, "switch_context");
    const auto barrier = std::ranges::find(steps, "dsb ish");
    return barrier < std::ranges::find(steps, "mov sp, x1");
}

TEST(MigrationTest, AThreadMayMigrateBetweenAnyTwoStepsOfAFlushAndAMap)
{
    const bool has_barrier = context_switch_has_its_barrier();
    EXPECT_TRUE(has_barrier);
    const u64 steps = Migration{~u64{0}, has_barrier}.steps;
    EXPECT_GT(steps, 8u);
    for (u64 when = 0; when < steps; ++when)
        EXPECT_FALSE((Migration{when, has_barrier}.wrong)) << "before step " << when;
}

TEST(MigrationTest, WithoutTheBarrierOfTheContextSwitchATlbiIsNotWaitedFor)
{
    u64 wrong = 0;
    const u64 steps = Migration{~u64{0}, false}.steps;
    for (u64 when = 0; when < steps; ++when)
        wrong += Migration{when, false}.wrong ? 1 : 0;
    EXPECT_GT(wrong, 0u);
}

} // namespace
} // namespace percival::testing
