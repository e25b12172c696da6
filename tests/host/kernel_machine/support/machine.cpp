// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_machine/support/machine.hpp"

#include "kernel_machine/support/instrumentation.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

namespace percival::testing {
namespace {

Machine* current = nullptr;
// How often its clock has moved.
u64 moves = 0;
// A run that takes longer waits for what does not come: the tick of an idle CPU goes on for ever.
constexpr u64 kMaxTime = 100 * kCountsPerSecond;
// So does a run whose clock moves more often than this: a CPU spins and looks at each count.
constexpr u64 kMaxMoves = 300'000;

} // namespace

Machine& machine()
{
    return *current;
}

Machine::Machine(u32 cpus, u64 seed, Software software)
    : cpus_(cpus), software_{std::move(software)}, random_state_{seed * 0x9e37'79b9'7f4a'7c15 + 1}
{
    constexpr std::array<u64, 5> kMeans{6, 25, 100, 400, 3000};
    mean_slice_ = kMeans[seed % kMeans.size()];
    current = this;
    moves = 0;
}

Machine::~Machine()
{
    current = nullptr;
}

u64 Machine::random()
{
    random_state_ += 0x9e37'79b9'7f4a'7c15;
    u64 mixed = random_state_;
    mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11eb;
    return mixed ^ mixed >> 31;
}

bool Machine::alarm_pending(const Cpu& cpu) const
{
    return cpu.alarm_enabled && !cpu.alarm_active && !cpu.muted && cpu.alarm <= now_;
}

bool Machine::pending(const Cpu& cpu) const
{
    return cpu.connected && (alarm_pending(cpu) || std::ranges::find(cpu.ipis, true) != cpu.ipis.end());
}

bool Machine::can_go_on(const Cpu& cpu) const
{
    const bool interrupted = !cpu.masked && pending(cpu);
    switch (cpu.state) {
    case State::Off:
        return false;
    case State::Runs:
        return true;
    case State::Spins:
        return interrupted || cpu.spins < kSpinsInVain;
    case State::Waits:
        return pending(cpu);
    case State::Computes:
        return interrupted || cpu.busy_until <= now_;
    }
    return false;
}

// Lets CPUs that spin look again.
void Machine::made_progress()
{
    for (Cpu& cpu : cpus_) {
        cpu.spins = 0;
        cpu.has_looked_alone = false;
    }
}

// Lets a CPU that spins in vain look once more, while no other CPU does anything. What it waits for may be a
// lock that another CPU takes in each round of its own spinning, and held whenever this one looked. Returns
// false if all have done so.
bool Machine::let_one_look_alone()
{
    for (Cpu& cpu : cpus_) {
        if (cpu.state == State::Spins && !cpu.has_looked_alone) {
            cpu.has_looked_alone = true;
            cpu.spins = kSpinsInVain - 1;
            return true;
        }
    }
    return false;
}

u64 Machine::next_event() const
{
    u64 next = kNever;
    for (const Cpu& cpu : cpus_) {
        if (cpu.state == State::Off)
            continue;
        if (cpu.state == State::Computes)
            next = std::min(next, cpu.busy_until);
        if (cpu.alarm_enabled && !cpu.muted && cpu.alarm > now_)
            next = std::min(next, cpu.alarm);
        if (cpu.state == State::Spins && cpu.reads_clock)
            next = std::min(next, now_ - now_ % spin_step_ + spin_step_);
    }
    return next;
}

// Moves the clock. Returns false if there is no event to come.
bool Machine::advance()
{
    if (const std::string wrong = software_.at_rest(); !wrong.empty()) {
        fail(wrong);
        return true;
    }
    const u64 next = next_event();
    if (next == kNever)
        return false;
    now_ = next;
    if (now_ > kMaxTime || ++moves > kMaxMoves)
        fail("the run does not end");
    at_this_time_ = 0;
    made_progress();
    return true;
}

std::string Machine::run()
{
    while (!ended_ && failure_.empty()) {
        std::array<u32, kMaxMachineCpus> ready{};
        u32 count = 0;
        for (u32 cpu = 0; cpu < cpus(); ++cpu) {
            if (can_go_on(cpus_[cpu]))
                ready[count++] = cpu;
        }
        if (count == 0) {
            if (!let_one_look_alone() && !advance())
                fail("no CPU can go on");
            continue;
        }
        if (++at_this_time_ > kMaxPausesAtOneTime) {
            fail("time stands still");
            continue;
        }
        executing_ = ready[choose(count)];
        on_cpu_ = true;
        outside_.switch_to(*cpus_[executing_].context);
        on_cpu_ = false;
    }
    return failure_;
}

void Machine::end()
{
    armed = false;
    ended_ = true;
    cpus_[executing_].context->switch_to(outside_);
    std::abort();
}

void Machine::fail(const std::string& why)
{
    const Aside aside;
    if (failure_.empty())
        failure_ = why + "\n" + describe() + software_.describe();
    if (on_cpu_)
        end();
}

std::string Machine::describe() const
{
    static constexpr std::array<const char*, 5> kStates{"is off", "runs", "spins", "waits", "computes"};
    std::string text = "at " + std::to_string(now_) + ":\n";
    for (u32 index = 0; index < cpus(); ++index) {
        const Cpu& cpu = cpus_[index];
        text += "cpu" + std::to_string(index) + " " + kStates[static_cast<u8>(cpu.state)] +
                (cpu.masked ? ", masked" : "") +
                (cpu.alarm == kNever ? ", no alarm" : ", alarm at " + std::to_string(cpu.alarm));
        for (u32 ipi = 0; ipi < kIpis; ++ipi) {
            if (cpu.ipis[ipi])
                text += ", IPI " + std::to_string(ipi);
        }
        text += "\n";
    }
    return text;
}

} // namespace percival::testing
