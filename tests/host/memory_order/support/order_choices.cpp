// SPDX-License-Identifier: BSD-2-Clause
// What the explorer may do next: which CPU goes on, which late store becomes visible, which interrupt comes.
#include "memory_order/support/order_explorer.hpp"

namespace percival::testing {

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

bool OrderExplorer::may_deviate(u32 Bounds::* kind)
{
    if (left_.*kind == 0)
        return false;
    has_bound_deviations_ |= left_.deviations == 0;
    return left_.deviations != 0;
}

void OrderExplorer::deviate(u32 Bounds::* kind)
{
    --(left_.*kind);
    --left_.deviations;
}

// Returns whether another CPU would notice that the store becomes visible now.
bool OrderExplorer::is_next_for_others(u32 cpu, const LateStore& store)
{
    if (memory_->now() == store.since)
        return false; // it could as well not have been late
    for (u32 other = 0; other < cpu_count_; ++other) {
        if (other == cpu)
            continue;
        const Cpu& next = cpus_[other];
        if (next.step.kind == Step::Kind::Poll) {
            for (const Read& read : next.reads) {
                if (read.span.overlaps(store.span))
                    return true;
            }
        } else if (next.step.span.overlaps(store.span) && is_ready(other)) {
            return true;
        }
        for (const LateStore& rival : memory_->observer(other).late) {
            if (rival.span.overlaps(store.span))
                return true;
        }
    }
    return false;
}

// Returns whether the late store should become visible now: another CPU would notice that, or would notice a
// store that has to wait for this one.
bool OrderExplorer::is_awaited(u32 cpu, std::size_t late)
{
    const auto& stores = memory_->observer(cpu).late;
    if (is_next_for_others(cpu, stores[late]))
        return true;
    for (std::size_t later = late + 1; later < stores.size(); ++later) {
        if (WeakMemory::must_precede(stores[late], stores[later]) && is_awaited(cpu, later))
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
        if (ready && (!goes_on || may_deviate(&Bounds::preemptions)))
            found.push_back({Action::Kind::Go, cpu, 0, goes_on});
    }
    for (u32 cpu = 0; cpu < cpu_count_; ++cpu) {
        if (cpus_[cpu].interrupts.empty() || cpus_[cpu].masks != 0)
            continue;
        const bool waits = cpus_[cpu].step.kind == Step::Kind::Poll || !is_ready(cpu);
        if (waits || may_deviate(&Bounds::preemptions))
            found.push_back({Action::Kind::Interrupt, cpu, 0, !waits});
    }
    for (u32 cpu = 0; cpu < cpu_count_; ++cpu) {
        const auto& late = memory_->observer(cpu).late;
        const bool blocked = !anybody || (cpus_[cpu].step.kind != Step::Kind::Idle && !is_ready(cpu));
        for (std::size_t i = 0; i < late.size(); ++i) {
            if (memory_->may_drain(cpu, i) && ((blocked && i == 0) || is_awaited(cpu, i)))
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
            deviate(&Bounds::preemptions);
        if (action.kind != Action::Kind::Drain)
            return action;
        drain(action.cpu, action.late);
    }
    return {};
}

} // namespace percival::testing
