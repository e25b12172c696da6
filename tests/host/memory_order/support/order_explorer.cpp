// SPDX-License-Identifier: BSD-2-Clause
#include "memory_order/support/order_explorer.hpp"

#include "memory_order/support/static_memory.hpp"

#include <cstdlib>
#include <string>
#include <utility>

namespace percival::testing {
namespace {

constexpr std::size_t kStack = std::size_t{256} << 10; // of a Fiber
constexpr u32 kUnbounded = ~u32{0};

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
    choices_.go_depth_first();
    OrderExplored result;
    do {
        // Begins again whenever more memory turns out to be shared: more accesses are steps then.
        choices_.forget();
        result.schedules = 0;
        do {
            result.failure = run_schedule(scenario);
            if (++result.schedules == bounds.schedules && result.failure.empty())
                result.failure = "too many schedules";
        } while (result.failure.empty() && !touched_.has_learnt() && choices_.advance());
    } while (touched_.take_learnt() && result.failure.empty());
    return result;
}

OrderExplored OrderExplorer::explore_at_random(const Operations& scenario, u64 seed, u64 schedules)
{
    bounds_ = {kUnbounded, kUnbounded, kUnbounded, schedules};
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
    if (!failure.empty())
        failure += "\n" + trace_.text();
    scenario.tear_down();
    touched_.restore();
    return failure;
}

void OrderExplorer::live(u32 cpu, const Operations& scenario)
{
    cpus_[cpu].stack_base = reinterpret_cast<Address>(__builtin_frame_address(0));
    scenario.run(cpu);
    settle();
    if (cpus_[cpu].masks != 0)
        fail("a CPU ends with interrupts masked");
    cpus_[cpu].idle = true;
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

// Returns whether the CPU has read something that has a newer value.
bool OrderExplorer::has_news(u32 cpu)
{
    for (const Read& read : cpus_[cpu].reads) {
        for (const Cell* cell : memory_->cells(read.span)) {
            if (cell->newest().time != read.time)
                return true;
        }
    }
    return false;
}

bool OrderExplorer::is_ready(u32 cpu)
{
    const Observer& observer = memory_->observer(cpu);
    const Step& step = cpus_[cpu].step;
    switch (step.kind) {
    case Step::Kind::None:
    case Step::Kind::Load:
    case Step::Kind::Store:
        return true;
    case Step::Kind::SequentialLoad:
        for (const LateStore& late : observer.late) {
            if (late.sequential)
                return false;
        }
        return true;
    case Step::Kind::Update:
        return memory_->may_pass(cpu, step.span, false);
    case Step::Kind::ReleasingUpdate:
    case Step::Kind::Fence:
        return observer.late.empty();
    case Step::Kind::Poll:
        return observer.late.empty() && has_news(cpu);
    case Step::Kind::Idle:
        return false;
    }
    return false;
}

// Returns whether it makes a difference that the store becomes visible before one of the next steps.
bool OrderExplorer::may_matter(const LateStore& store)
{
    if (memory_->now() == store.since)
        return false; // it could as well not have been late
    for (u32 cpu = 0; cpu < cpu_count_; ++cpu) {
        const Step& step = cpus_[cpu].step;
        if (!is_ready(cpu) || step.kind == Step::Kind::Poll)
            continue;
        const bool loads = step.kind == Step::Kind::Load || step.kind == Step::Kind::SequentialLoad;
        if (!loads || step.span.overlaps(store.span))
            return true;
    }
    return false;
}

std::vector<OrderExplorer::Action> OrderExplorer::actions()
{
    std::vector<Action> found;
    const bool goes_on = executing_ < cpu_count_ && is_ready(executing_);
    if (goes_on)
        found.push_back({Action::Kind::Go, executing_, 0, false});
    bool anybody = goes_on;
    for (u32 cpu = 0; cpu < cpu_count_; ++cpu) {
        const bool ready = cpu != executing_ && is_ready(cpu);
        anybody |= ready;
        if (ready && (!goes_on || left_.preemptions != 0))
            found.push_back({Action::Kind::Go, cpu, 0, goes_on});
    }
    for (u32 cpu = 0; cpu < cpu_count_; ++cpu) {
        if (!cpus_[cpu].interrupts.empty() && cpus_[cpu].masks == 0)
            found.push_back({Action::Kind::Interrupt, cpu, 0, false});
    }
    for (u32 cpu = 0; cpu < cpu_count_; ++cpu) {
        const auto& late = memory_->observer(cpu).late;
        const bool blocked = !anybody || (cpus_[cpu].step.kind != Step::Kind::Idle && !is_ready(cpu));
        for (std::size_t i = 0; i < late.size(); ++i) {
            if (memory_->may_drain(cpu, i) && (blocked || may_matter(late[i])))
                found.push_back({Action::Kind::Drain, cpu, i, false});
        }
    }
    return found;
}

std::optional<OrderExplorer::Action> OrderExplorer::decide()
{
    while (failure_.empty()) {
        const std::vector<Action> options = actions();
        if (options.empty())
            return {};
        const Action action = options[choices_.choose(static_cast<u32>(options.size()))];
        if (action.preempts)
            --left_.preemptions;
        if (action.kind != Action::Kind::Drain)
            return action;
        drain(action.cpu, action.late);
    }
    return {};
}

void OrderExplorer::wait_before(Step step)
{
    if (++steps_ > kMaxSteps)
        fail("too many steps");
    Cpu& own = cpu();
    const u32 self = executing_;
    own.stack_pointer = reinterpret_cast<Address>(__builtin_frame_address(0));
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
        own.stack_pointer = reinterpret_cast<Address>(__builtin_frame_address(0));
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
    ++own.masks;
    interrupt.handler();
    settle();
    --own.masks;
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
    // Nobody reads a dead part of the CPU's own stack, and the explorer's own frames may lie there.
    const u64 kept = read_bytes(store.span);
    memory_->drain(cpu, index);
    if (is_dead_stack(cpu, store.span))
        write_bytes(store.span, kept);
}

bool OrderExplorer::is_dead_stack(u32 cpu, Span span) const
{
    const Cpu& owner = cpus_[cpu];
    const Address top = cpu == executing_ && in_fiber_ ? reinterpret_cast<Address>(__builtin_frame_address(0))
                                                       : owner.stack_pointer;
    return span.address < top && span.address > owner.stack_base - kStack + 4096;
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
