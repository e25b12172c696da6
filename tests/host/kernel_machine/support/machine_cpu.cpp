// SPDX-License-Identifier: BSD-2-Clause
// What the CPUs of the machine do: they run contexts, take interrupts, wait, spin, compute and send. When and
// for how long is chosen in machine.cpp.
#include "kernel_machine/support/instrumentation.hpp"
#include "kernel_machine/support/machine.hpp"

#include <array>
#include <cstdlib>

namespace percival::testing {

FiberContext& Machine::new_context(std::byte* stack, void (*entry)())
{
    return contexts_.emplace_back(stack, entry);
}

void Machine::turn_on(u32 index, std::byte* stack, void (*entry)(), void* thread_pointer)
{
    Cpu& cpu = cpus_[index];
    if (cpu.state != State::Off)
        return fail("a CPU is turned on that is on");
    const u64 sleeps = cpu.sleeps;
    cpu = {};
    cpu.sleeps = sleeps;
    cpu.state = State::Runs;
    cpu.context = &new_context(stack, entry);
    cpu.thread_pointer = thread_pointer;
}

void Machine::turn_off()
{
    armed = false;
    made_progress();
    Cpu& cpu = cpus_[executing_];
    cpu.state = State::Off;
    cpu.context->switch_to(outside_);
    std::abort();
}

// Lets the machine choose who goes on. Returns when this CPU does.
void Machine::pause(State state)
{
    Cpu& cpu = cpus_[executing_];
    cpu.points += slice_ - left_of_slice;
    if (state == State::Waits || state == State::Computes || cpu.points > kStepsOfSpinning) {
        const u32 spins = cpu.spins;
        made_progress();
        cpu.spins = spins;
    }
    cpu.state = state;
    cpu.context->switch_to(outside_);
    cpus_[executing_].state = State::Runs;
    begin_slice();
}

void Machine::begin_slice()
{
    slice_ = left_of_slice = 1 + choose(2 * mean_slice_);
}

void* Machine::begin_context()
{
    FiberContext::arrive();
    begin_slice();
    void* const handed = cpus_[executing_].context->handed;
    armed = true;
    return handed;
}

void Machine::stop_here()
{
    pause(State::Runs);
    if (choose(2) == 0)
        take_interrupts();
}

void Machine::take_interrupts()
{
    if (!on_cpu_ || cpus_[executing_].masked || !pending(cpus_[executing_]))
        return;
    made_progress();
    cpus_[executing_].masked = true;
    armed = true;
    software_.handle_interrupt();
    armed = false;
    cpus_[executing_].masked = false; // the thread may be on another CPU by now
}

bool Machine::interrupts_masked() const
{
    const Aside aside;
    return cpus_[executing_].masked;
}

void Machine::mask_interrupts()
{
    const Aside aside;
    cpus_[executing_].masked = true;
}

void Machine::unmask_interrupts()
{
    const Aside aside;
    cpus_[executing_].masked = false;
    if (choose(4) != 0)
        take_interrupts();
}

void Machine::wait_for_interrupt()
{
    const Aside aside;
    if (!pending(cpus_[executing_])) {
        ++cpus_[executing_].sleeps;
        pause(State::Waits);
    }
    take_interrupts();
}

void Machine::relax(const void* site)
{
    const Aside aside;
    if (!on_cpu_)
        return fail("a lock is held while all CPUs are at rest");
    Cpu& cpu = cpus_[executing_];
    cpu.points += slice_ - left_of_slice;
    slice_ = left_of_slice;
    if (cpu.spin_site != site || cpu.points > kStepsOfSpinning) {
        made_progress();
        cpu.spin_site = site;
    }
    cpu.points = 0;
    ++cpu.spins;
    pause(State::Spins);
    cpus_[executing_].reads_clock = false;
    take_interrupts();
}

void Machine::compute(u64 counts)
{
    const Aside aside;
    while (counts != 0) {
        const u64 since = now_;
        cpus_[executing_].busy_since = since;
        cpus_[executing_].busy_until = since + counts;
        pause(State::Computes);
        counts -= now_ - since;
        cpus_[executing_].computed += now_ - since;
        take_interrupts();
    }
}

u64 Machine::read_clock()
{
    cpus_[executing_].reads_clock = true;
    return stopped_count_.value_or(now_);
}

void Machine::send_ipi(u32 cpu, u32 ipi)
{
    const Aside aside;
    cpus_[cpu].ipis[ipi] = true;
    if (cpu == executing_ && choose(2) == 0)
        take_interrupts();
}

u32 Machine::acknowledge()
{
    const Aside aside;
    Cpu& cpu = cpus_[executing_];
    std::array<u32, kIpis + 1> found{};
    u32 count = 0;
    for (u32 ipi = 0; ipi < kIpis; ++ipi) {
        if (cpu.ipis[ipi])
            found[count++] = ipi;
    }
    if (alarm_pending(cpu))
        found[count++] = kIpis;
    if (count == 0)
        return kIpis + 1;
    if (++at_this_time_ > kMaxPausesAtOneTime)
        fail("an interrupt comes again and again");
    const u32 taken = found[choose(count)];
    if (taken == kIpis)
        cpu.alarm_active = true;
    else
        cpu.ipis[taken] = false;
    return taken;
}

void* Machine::switch_context(FiberContext*& save, FiberContext& next, void* thread_pointer, void* before)
{
    const Aside aside;
    Cpu& cpu = cpus_[executing_];
    FiberContext& self = *cpu.context;
    if (!cpu.masked)
        fail("threads are switched with interrupts unmasked");
    save = &self;
    cpu.thread_pointer = thread_pointer;
    cpu.context = &next;
    next.handed = before;
    made_progress();
    self.switch_to(next);
    return self.handed;
}

} // namespace percival::testing
