// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/order_explorer.hpp"

#include "memory_order/support/static_memory.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

namespace percival::testing {
namespace {

constexpr u32 kUnbounded = ~u32{0};

// Makes a fault of a simulated CPU the failure of the schedule.
void take_fault(int signal)
{
    if (order_explorer().is_running())
        order_explorer().fail("a CPU accesses memory that is not there");
    // The access is made again, and ends the program.
    static_cast<void>(std::signal(signal, SIG_DFL));
}

void catch_faults()
{
    static std::array<std::byte, std::size_t{64} << 10> stack;
    const stack_t own{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
    sigaltstack(&own, nullptr);
    struct sigaction action{};
    action.sa_handler = &take_fault;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
}

} // namespace

OrderExplorer& order_explorer()
{
    static OrderExplorer explorer;
    return explorer;
}

OrderExplored OrderExplorer::explore(const Operations& scenario, const Bounds& bounds)
{
    bounds_ = bounds;
    touched_.forget_sharing();
    OrderExplored result;
    for (u32 deviations = 0; deviations <= bounds.deviations; ++deviations) {
        bounds_.deviations = deviations;
        has_bound_deviations_ = false;
        explore_within_bounds(scenario, result);
        if (!result.failure.empty() || !has_bound_deviations_)
            break;
    }
    return result;
}

// Goes through all schedules. Begins again whenever more memory turns out to be shared: more accesses are
// steps then.
void OrderExplorer::explore_within_bounds(const Operations& scenario, OrderExplored& result)
{
    choices_.go_depth_first();
    do {
        choices_.forget();
        do {
            result.failure = run_schedule(scenario);
            if (++result.schedules == bounds_.schedules && result.failure.empty())
                result.failure = kTooManySchedules;
        } while (result.failure.empty() && !touched_.has_learnt() && choices_.advance());
    } while (touched_.take_learnt() && result.failure.empty());
}

OrderExplored OrderExplorer::explore_at_random(const Operations& scenario, u64 seed, u64 schedules)
{
    bounds_ = {kUnbounded, kUnbounded, kUnbounded, kUnbounded, schedules};
    touched_.forget_sharing();
    OrderExplored result;
    for (u64 n = 0; n < schedules && result.failure.empty(); ++n) {
        choices_.go_at_random(seed + n);
        result.failure = run_schedule(scenario);
        if (!result.failure.empty())
            result.failure = "seed " + std::to_string(seed + n) + ": " + result.failure;
        ++result.schedules;
        touched_.take_learnt();
    }
    return result;
}

std::string OrderExplorer::run_schedule(const Operations& scenario)
{
    catch_faults();
    cpu_count_ = scenario.cpus;
    for (Cpu& cpu : cpus_) {
        cpu.step = {};
        cpu.idle = false;
        cpu.masks = 0;
        cpu.interrupts.clear();
        cpu.reads.clear();
        cpu.thread.fill(std::byte{0});
    }
    memory_.emplace(cpu_count_);
    trace_.clear();
    choices_.begin();
    left_ = bounds_;
    steps_ = 0;
    executing_ = 0;
    failure_.clear();
    map_percpu_copies(cpu_count_);
    next_.reset();
    preparing_ = true;
    scenario.set_up();
    preparing_ = false;
    run_cpus(scenario);
    std::string failure = std::exchange(failure_, {});
    // What was seen before all shared memory was known may not happen.
    if (touched_.has_learnt())
        failure.clear();
    else if (failure.empty())
        failure = scenario.verdict();
    if (!failure.empty() && !orders_.leaves_one_out())
        failure += "\n" + trace_.text();
    scenario.tear_down();
    touched_.restore();
    return failure;
}

void OrderExplorer::live(u32 cpu, const Operations& scenario)
{
    cpus_[cpu].stack_base = reinterpret_cast<Address>(__builtin_frame_address(0));
    cpus_[cpu].stack_pointer = cpus_[cpu].stack_base;
    scenario.run(cpu);
    settle();
    if (cpus_[cpu].masks != 0)
        fail("a CPU ends with interrupts masked");
    cpus_[cpu].idle = true;
    cpus_[cpu].stack_pointer = cpus_[cpu].stack_base;
    for (;;)
        wait_before({Step::Kind::Idle, {0, 0}});
}

void OrderExplorer::resume(u32 cpu)
{
    executing_ = cpu;
    in_fiber_ = true;
    cpus_[cpu].fiber->resume();
    in_fiber_ = false;
}

void OrderExplorer::run_cpus(const Operations& scenario)
{
    running_ = true;
    starting_ = true;
    for (u32 cpu = 0; cpu < cpu_count_ && failure_.empty(); ++cpu) {
        cpus_[cpu].fiber = std::make_unique<Fiber>([this, &scenario, cpu] { live(cpu, scenario); });
        resume(cpu);
    }
    starting_ = false;
    executing_ = kMaxCpus; // nobody goes on: the first choice is no preemption
    while (failure_.empty()) {
        if (!next_)
            next_ = decide();
        if (!next_)
            break;
        const Action action = *std::exchange(next_, std::nullopt);
        cpus_[action.cpu].takes_interrupt = action.kind == Action::Kind::Interrupt;
        resume(action.cpu);
    }
    for (u32 cpu = 0; cpu < cpu_count_ && failure_.empty(); ++cpu) {
        if (!cpus_[cpu].idle)
            failure_ = "all CPUs wait";
    }
    running_ = false;
    plain_loads_.clear();
    plain_stores_.clear();
    // The next fibers find the stacks in the order of the CPUs.
    for (u32 cpu = cpu_count_; cpu-- > 0;)
        cpus_[cpu].fiber.reset();
    executing_ = 0;
}

void OrderExplorer::wait_before(Step step)
{
    if (++steps_ > kMaxSteps)
        fail("too many steps");
    Cpu& own = cpu();
    const u32 self = executing_;
    for (bool first = true;; first = false) {
        own.step = step;
        bool interrupted = false;
        if (starting_ && first) {
            own.fiber->yield();
            interrupted = std::exchange(own.takes_interrupt, false);
        } else if (const auto action = decide(); action && action->cpu == self && failure_.empty()) {
            interrupted = action->kind == Action::Kind::Interrupt;
        } else {
            next_ = action;
            own.fiber->yield();
            interrupted = std::exchange(own.takes_interrupt, false);
        }
        if (!interrupted)
            break;
        serve_interrupt();
    }
    own.step = {};
}

void OrderExplorer::serve_interrupt()
{
    Cpu& own = cpu();
    const Interrupt interrupt = own.interrupts.front();
    own.interrupts.erase(own.interrupts.begin());
    own.step = {};
    note("interrupt", {0, 0}, 0, nullptr);
    self().floor = std::max(self().floor, interrupt.sent);
    const auto reads = std::exchange(own.reads, {});
    const Address stack_pointer = own.stack_pointer;
    ++own.masks;
    interrupt.handler();
    settle();
    --own.masks;
    own.stack_pointer = stack_pointer;
    own.reads = reads;
}

void OrderExplorer::drain(u32 cpu, std::size_t index)
{
    const LateStore store = memory_->observer(cpu).late[index];
    trace_.add({cpu, "visible", store.span.address, store.span.size, store.value, "", nullptr});
    if (touched_.is_gone(store.span))
        complain("a late store reaches an object that is gone");
    for (u32 owner = 0; owner < cpu_count_; ++owner) {
        if (is_dead_stack(owner, store.span) && owner != cpu)
            complain("a late store reaches the stack of a function that has returned");
    }
    if (!failure_.empty())
        return;
    if (is_dead_stack(cpu, store.span)) {
        // Nobody reads a dead part of the CPU's own stack, and the explorer's own frames may lie there.
        auto& late = memory_->observer(cpu).late;
        late.erase(late.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
        memory_->drain(cpu, index);
    }
}

bool OrderExplorer::is_dead_stack(u32 cpu, Span span) const
{
    const Cpu& owner = cpus_[cpu];
    return span.address < owner.stack_pointer && span.address > owner.stack_base - kStack + 4096;
}

void OrderExplorer::complain(std::string what)
{
    if (failure_.empty())
        failure_ = std::move(what);
}

void OrderExplorer::fail(std::string what)
{
    complain(std::move(what));
    while (in_fiber_)
        cpu().fiber->yield();
    std::abort(); // while a scenario is set up
}

} // namespace percival::testing
