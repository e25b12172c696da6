// SPDX-License-Identifier: BSD-2-Clause
// All interleavings of a few CPUs that run real code on a simulated machine.
//
// Each CPU is a fiber. It stops before every step (arch::Step) that another CPU may notice, and the explorer decides whose step
// is next; it runs the whole scenario again for each schedule, depth first. Two schedules that differ only in the order of
// neighbouring steps that do not conflict have the same outcome, so one of them is enough: sleep sets (Godefroid, Partial-Order
// Methods for the Verification of Concurrent Systems, 1996, chapter 5) leave out the others and no more. Every schedule that is
// run is checked whether or not it was worth it.
//
// A scenario is a class, made anew for each schedule:
//
//   Scenario(Explorer&)        sets the machine up; nothing is interleaved yet
//   u32 cpus()
//   void run(u32 cpu)          what that CPU does; ends by returning
//   std::string verdict()      after all have returned: empty, or what is wrong
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
    std::string failure; // of the first schedule that went wrong
};

class Explorer {
public:
    template <class Scenario>
    Explored explore(u64 most_schedules = 2'000'000)
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
            if (result.failure.empty() && result.schedules == most_schedules)
                result.failure = "too many schedules";
        } while (result.failure.empty() && next_schedule());
        return result;
    }

    // For scenarios: the executing CPU is about to touch `flag`, something of their own that CPUs share; or goes on only once
    // `condition` holds, which others bring about by touching it.
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

    // A decision: which CPUs have been tried here, and which need not be.
    struct Node {
        u32 chosen;
        CpuMask ready;
        CpuMask asleep;
        CpuMask tried{0};
    };

    static CpuMask bit(u32 cpu) { return CpuMask{1} << cpu; }

    void stop_before(arch::Step step, std::function<bool()> condition)
    {
        if (!running_)
            return;
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
        // Up to the first step of each.
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

    // A CPU stays asleep, its step first having been explored, until somebody takes a step that conflicts with
    // it.
    CpuMask asleep_after(const Node& node) const
    {
        if ((node.ready & ~node.asleep) == 0)
            return ~CpuMask{0}; // all that follows was explored elsewhere, and is only finished
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

    // Turns to another CPU at the last decision that has one left. False: none has.
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
