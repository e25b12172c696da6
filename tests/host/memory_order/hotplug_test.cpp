// SPDX-License-Identifier: BSD-2-Clause
// kernel/hotplug/hotplug.cpp with weakly ordered memory: a CPU goes off and comes back.
#include "arch/cpu/barrier.hpp"
#include "arch/devices/power.hpp"
#include "interrupts.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/lib/cpu_set.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/sync/rcu.hpp"
#include "memory_order/support/judge.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/roots/check.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace percival {
namespace testing {
namespace {

constexpr CpuId kGoing{1};

// What a CPU throws that turns itself off.
struct TurnedOff {};

// What the doubles below stand for, and what CPU 1 keeps.
struct Machine {
    static constexpr u32 kCpus = 2;
    static inline Machine* current = nullptr;

    SharedCpuSet active;
    std::atomic<bool> has_thread{true}; // released and acquired, as under the lock of a run queue
    std::atomic<bool> is_off{false};    // the firmware's
    u64 done_by_thread{0};
    u64 in_stock{1};
    u64 prepared{0};
    std::string wrong;

    Machine()
    {
        current = this;
        mm::cpus_with_root = kCpus;
        handle_ipi(arch::Ipi::Quiesce, &rcu::report_or_ask);
        handle_ipi(arch::Ipi::Call, &run_queued_calls);
        switch_handler = &rcu::note_quiescent_state;
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            set_online(CpuId{cpu}, {});
            active.add(CpuId{cpu});
        }
    }
    std::string verdict() const { return wrong; }

    // Is the idle thread of CPU 1, which returns when it is turned off.
    static void be_idle()
    {
        try {
            for (;;) {
                {
                    const arch::InterruptMask masked;
                    leave_if_asked(kGoing);
                }
                arch::relax();
            }
        } catch (TurnedOff) {
            return;
        }
    }
    // Is the only thread of CPU 1.
    void run_thread()
    {
        done_by_thread = 1;
        has_thread.store(false, std::memory_order_release);
    }
    void take_off()
    {
        if (!take_cpu_offline(kGoing))
            wrong = "a CPU does not go";
        if (done_by_thread != 1)
            wrong = "a CPU is gone before what its thread did is seen";
        if (in_stock != 0)
            wrong = "a CPU is gone before its stocks are seen to be empty";
    }
};

struct Going : Machine {
    void run(u32 cpu)
    {
        if (cpu == 0)
            return take_off();
        run_thread();
        be_idle();
    }
};

// CPU 1 is off and comes back.
struct ComingBack : Machine {
    ComingBack()
    {
        has_thread.store(false, std::memory_order_relaxed);
        is_off.store(true, std::memory_order_relaxed);
        active.remove(kGoing);
        set_offline(kGoing);
        set_starting(kGoing);
        if (!leave_out(kGoing))
            order_explorer().fail("a CPU comes that is off");
    }
    void run(u32 cpu)
    {
        if (cpu == 0)
            bring_back();
        else
            come_back();
    }

protected:
    void bring_back()
    {
        prepared = 1;
        if (!bring_cpu_online(kGoing))
            wrong = "a CPU does not come back";
        if (in_stock != 2)
            wrong = "a CPU is back before what it did is seen";
    }
    void come_back()
    {
        // The first instruction comes after the call that started the CPU.
        while (is_off.load(std::memory_order_acquire))
            arch::relax();
        if (!arrive(kGoing))
            order_explorer().fail("a CPU that is waited for is left out");
        if (prepared != 2)
            wrong = "a CPU comes back before it sees what was prepared for it";
        in_stock = 2;
        set_online(kGoing, {});
        active.add(kGoing);
    }
};

// CPU 1 comes back, goes, and comes back once more.
struct Returning : ComingBack {
    void run(u32 cpu)
    {
        if (cpu == 0) {
            bring_back();
            done_by_thread = 1;
            take_off();
            return bring_back();
        }
        come_back();
        be_idle();
        come_back();
        const arch::InterruptMask masked;
        leave_if_asked(kGoing);
    }
};

TEST(HotplugOrder, ACpuGoesAfterAllThatItDidAndComesBackAfterAllThatWasPrepared)
{
    EXPECT_EQ((judge<Going, ComingBack>({"kernel/hotplug/hotplug.cpp"}, {.deviations = 2})), "");
}

TEST(HotplugOrder, ACpuThatIsBackIsNotAskedToLeaveAgain)
{
    EXPECT_EQ(order_explorer().explore_at_random<Returning>(1, 500).failure, "");
}

} // namespace
} // namespace testing

using testing::Machine;

bool arch::can_turn_off(CpuId)
{
    return true;
}

void arch::turn_off_this_cpu()
{
    Machine::current->is_off.store(true, std::memory_order_relaxed);
    throw testing::TurnedOff{};
}

bool arch::is_off(CpuId)
{
    return Machine::current->is_off.load(std::memory_order_relaxed);
}

void arch::interrupt_controller_leave_cpu() {}

// As arch::start_cpu(), this completes the caller's stores before it calls the firmware.
std::expected<void, std::string_view> start_cpu(CpuId)
{
    arch::dsb<arch::Shareability::FullSystem>();
    Machine::current->is_off.store(false, std::memory_order_relaxed);
    return {};
}

void deactivate_cpu(CpuId cpu)
{
    Machine::current->active.remove(cpu);
    request_switch(cpu);
}

void request_switch(CpuId cpu)
{
    arch::send_ipi(cpu, arch::Ipi::Reschedule);
}

bool has_no_threads(CpuId)
{
    return !Machine::current->has_thread.load(std::memory_order_acquire);
}

CpuSet active_cpus()
{
    return Machine::current->active.copy();
}

void reset_idle_thread(CpuId)
{
    ++Machine::current->prepared;
}

void stop_tick() {}

void Timer::move_from(CpuId) {}

void sleep_for_nanoseconds(u64)
{
    arch::relax();
}

void percpu::drain_stocks()
{
    Machine::current->in_stock = 0;
}

void mm::drain_object_stock() {}
void mm::drain_page_cache() {}

bool mm::root_agrees_with_master(CpuId)
{
    return true;
}

} // namespace percival
