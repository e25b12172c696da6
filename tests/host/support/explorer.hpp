// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a few CPUs that run real code on a simulated machine.
//
// Each CPU is a fiber. It stops before every step (arch::Step) that another CPU may notice, and the explorer
// decides which CPU takes its step next. The explorer runs the whole scenario again for each schedule, depth
// first. Two schedules that differ only in the order of neighbouring steps that do not conflict have the same
// outcome, so one of them is enough. Sleep sets (Godefroid, Partial-Order Methods for the Verification of
// Concurrent Systems, 1996, chapter 5) leave out the others, and nothing else. Every schedule that is run is
// checked, even if it turns out to be redundant.
//
// A scenario is a class. The explorer makes a new object for each schedule:
//
//   Scenario(Explorer&)        sets the machine up; nothing is interleaved yet
//   u32 cpus()                 returns the number of CPUs
//   void run(u32 cpu)          does what that CPU does; the CPU is done when it returns
//   std::string verdict()      called after all CPUs are done: returns what is wrong, or an empty string
//   machine                    a SimulatedMachine
#pragma once

#include "arch/simulation/simulation.hpp"
#include "support/fiber.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace percival::testing {

struct Explored {
    u64 schedules{0};
    std::string failure; // of the first schedule that failed
};

class Explorer {
public:
    template <class Scenario>
    Explored explore(u64 max_schedules = 2'000'000)
    {
        path_.clear();
        Explored result;
        do {
            Scenario scenario{*this};
            std::string thrown;
            const auto body = [&](u32 cpu) {
                try {
                    scenario.run(cpu);
                } catch (const std::exception& problem) {
                    thrown = problem.what();
                }
            };
            run_schedule(scenario.machine, scenario.cpus(), body);
            ++result.schedules;
            result.failure = !thrown.empty() ? thrown
                             : deadlocked_   ? "all CPUs wait for each other"
                                             : scenario.verdict();
            if (result.failure.empty() && result.schedules == max_schedules)
                result.failure = "too many schedules";
        } while (result.failure.empty() && next_schedule());
        return result;
    }

    // For scenarios. touch(): the executing CPU is about to access `flag`, a variable of the scenario that
    // CPUs share. wait_until(): the executing CPU goes on only once `condition` holds; other CPUs make it
    // hold, and touch `flag` to do so. access(): the executing CPU is about to access memory through the page
    // tables.
    void touch(const void* flag) { stop_before({arch::Step::Kind::Flag, flag}, nullptr); }
    void wait_until(const void* flag, std::function<bool()> condition)
    {
        stop_before({arch::Step::Kind::Flag, flag}, std::move(condition));
    }
    void access() { stop_before({arch::Step::Kind::Access}, nullptr); }
    u32 executing() const { return executing_; }

private:
    using CpuMask = u32;

    struct Cpu {
        std::unique_ptr<Fiber> fiber;
        arch::Step next{};
        std::function<bool()> may_go_on; // empty: always
        bool done{false};
    };

    // One decision: the CPU chosen now, the CPUs tried already, and the CPUs that need not be tried.
    struct Node {
        u32 chosen;
        CpuMask ready;
        CpuMask asleep;
        CpuMask tried{0};
    };

    static CpuMask bit(u32 cpu) { return CpuMask{1} << cpu; }

    void stop_before(arch::Step step, std::function<bool()> condition)
    {
        if (!running_ || step.kind == arch::Step::Kind::Local)
            return; // a local step may come right after the one before it: nobody notices
        Cpu& self = cpus_[executing_];
        self.next = step;
        self.may_go_on = std::move(condition);
        self.fiber->yield();
    }

    template <class Machine, class Body>
    void run_schedule(Machine& machine, u32 count, const Body& body)
    {
        machine.on_step = [this](const arch::Step& step) { stop_before(step, nullptr); };
        cpus_.clear();
        cpus_.resize(count);
        running_ = true;
        const auto resume = [&](u32 cpu) {
            executing_ = cpu;
            machine.execute_on(cpu);
            cpus_[cpu].fiber->resume();
            cpus_[cpu].done = cpus_[cpu].fiber->finished();
        };
        // Run each CPU up to its first step.
        for (u32 cpu = 0; cpu < count; ++cpu) {
            cpus_[cpu].fiber = std::make_unique<Fiber>([&body, cpu] { body(cpu); });
            resume(cpu);
        }
        CpuMask asleep = 0;
        std::size_t depth = 0;
        for (CpuMask ready = ready_cpus(); ready != 0; ready = ready_cpus(), ++depth) {
            if (depth == path_.size())
                path_.push_back({choose(ready & ~asleep, ready), ready, asleep});
            const Node& node = path_[depth];
            asleep = asleep_after(node);
            resume(node.chosen);
        }
        deadlocked_ = false;
        running_ = false;
        for (const Cpu& cpu : cpus_)
            deadlocked_ = deadlocked_ || !cpu.done;
        machine.on_step = nullptr;
    }

    CpuMask ready_cpus() const
    {
        CpuMask ready = 0;
        for (u32 cpu = 0; cpu < cpus_.size(); ++cpu) {
            if (!cpus_[cpu].done && (!cpus_[cpu].may_go_on || cpus_[cpu].may_go_on()))
                ready |= bit(cpu);
        }
        return ready;
    }

    // Returns the CPUs that are asleep after the step of `node`. The step of such a CPU has been explored
    // first already, so the CPU stays asleep until another CPU takes a step that conflicts with that step.
    CpuMask asleep_after(const Node& node) const
    {
        if ((node.ready & ~node.asleep) == 0)
            return ~CpuMask{0}; // all that follows was explored elsewhere and is only run to its end
        const arch::Step& taken = cpus_[node.chosen].next;
        CpuMask asleep = 0;
        for (u32 cpu = 0; cpu < cpus_.size(); ++cpu) {
            const bool candidate = ((node.asleep | node.tried) & bit(cpu)) != 0 && cpu != node.chosen;
            if (candidate && !cpus_[cpu].done && !arch::conflict(cpus_[cpu].next, taken))
                asleep |= bit(cpu);
        }
        return asleep;
    }

    static u32 choose(CpuMask awake, CpuMask ready)
    {
        return static_cast<u32>(__builtin_ctz(awake != 0 ? awake : ready));
    }

    // Chooses another CPU at the last decision that has one left. Returns false if no decision has.
    bool next_schedule()
    {
        for (; !path_.empty(); path_.pop_back()) {
            Node& last = path_.back();
            last.tried |= bit(last.chosen);
            if (const CpuMask left = last.ready & ~last.asleep & ~last.tried; left != 0) {
                last.chosen = choose(left, left);
                return true;
            }
        }
        return false;
    }

    std::vector<Cpu> cpus_;
    std::vector<Node> path_;
    u32 executing_{0};
    bool running_{false};
    bool deadlocked_{false};
};

} // namespace percival::testing
