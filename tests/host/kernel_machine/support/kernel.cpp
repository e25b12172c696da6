// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_machine/support/kernel.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/exceptions/registers.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/load_balance.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_placement.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/percpu_text.hpp"
#include "kernel_machine/support/static_state.hpp"
#include "mm/vmalloc/stacks.hpp"

#include <algorithm>
#include <cstdlib>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

namespace percival {
namespace arch {

// The kernel's handler, which the vectors call.
extern "C" void handle_interrupt(Registers& registers);

} // namespace arch

namespace testing {
namespace {

const std::function<void()>* test_of_run = nullptr;
std::vector<Switch> switches_of_run;
u32 forbids_idleness = 0;
u32 without_tick = 0;
u32 affinity_may_lag = 0;

Thread& thread_on(u32 cpu)
{
    return static_cast<Thread&>(*static_cast<Preemption*>(machine().thread_pointer_of(cpu)));
}

std::string name_of(const Thread& thread)
{
    return std::string{thread.name};
}

// Takes an interrupt as the vectors do. Each exception and each return from one is a context synchronization
// event.
void take_interrupt()
{
    arch::Registers interrupted{};
    arch::isb();
    arch::handle_interrupt(interrupted);
    arch::isb();
    if (interrupted.restarts != 1 || interrupted.resumes != 1)
        machine().fail("an interrupt returns into an interrupted sequence");
    if (preemption().count >= kInterruptCount)
        machine().fail("a thread goes on as if it were in an interrupt");
}

bool can_be_preempted(u32 cpu)
{
    // An idle CPU waits with its interrupts masked, and then takes them.
    return thread_on(cpu).count == 0 && (!machine().masks(cpu) || machine().sleeps_now(cpu));
}

bool a_cpu_is_idle_in_vain(const Thread& waiting)
{
    bool in_vain = false;
    idle_cpu_set.copy().for_each([&](CpuId cpu) { in_vain = in_vain || may_run_on(waiting, cpu); });
    return in_vain;
}

// Returns what is wrong with the queue of a CPU.
std::string wrong_with_queue(u32 cpu) PERCIVAL_NO_THREAD_SAFETY_ANALYSIS
{
    RunQueue& queue = run_queues.on(CpuId{cpu});
    if (!queue.lock.try_lock())
        return "the lock of a queue is held at rest";
    u32 size = 0;
    std::string wrong;
    // INV-run_queue-1
    queue.take_away_first_that([&](const Thread& thread) {
        ++size;
        if (thread.state != ThreadState::Ready)
            wrong = name_of(thread) + " is queued and not Ready";
        if (thread.cpu.load() != cpu)
            wrong = name_of(thread) + " is on the queue of another CPU";
        if (affinity_may_lag == 0 && !may_run_on(thread, CpuId{cpu}))
            wrong = name_of(thread) + " is on the queue of a CPU where it must not run";
        if (thread.priority > thread_on(cpu).priority && can_be_preempted(cpu))
            wrong = name_of(thread) + " waits for a thread of lower priority";
        if (forbids_idleness != 0 && a_cpu_is_idle_in_vain(thread))
            wrong = name_of(thread) + " waits while a CPU is idle where it may run";
        return false;
    });
    if (size != queue.size() || size != queue.waiting())
        wrong = "the size of a queue is wrong"; // INV-run_queue-2
    // INV-load_balance-1
    if ((queue.offer == Offer::Made) != spare_cpu_set.contains(CpuId{cpu}))
        wrong = "a queue is wrong about the set of CPUs that can spare a thread";
    if (size > (is_idle_thread(thread_on(cpu)) ? 1u : 0u) && queue.offer == Offer::None)
        wrong = "a CPU can spare a thread and is not in the set of those that can";
    const auto may_leave = [cpu](const Thread& thread) {
        return thread.affinity != CpuSet::only(CpuId{cpu});
    };
    if (queue.offer == Offer::NotNeeded &&
        (may_leave(thread_on(cpu)) || queue.first_that(may_leave) != nullptr))
        wrong = "a CPU has a thread that is not bound to it and is taken to have none";
    queue.lock.unlock();
    return wrong;
}

std::string wrong_with_cpu(u32 cpu)
{
    const CpuId id{cpu};
    const Thread& running = thread_on(cpu);
    if (run_queues.on(id).running.load() != &running)
        return "`running` is another thread than the one that runs";
    if (running.state != ThreadState::Running)
        return name_of(running) + " runs and is not Running";
    if (running.cpu.load() != cpu)
        return name_of(running) + " runs on another CPU than its own";
    if (can_be_preempted(cpu) && affinity_may_lag == 0 && !may_run_on(running, id))
        return name_of(running) + " runs where it must not";
    if (can_be_preempted(cpu) && running.due != 0)
        return "a switch is due and does not happen";
    if (idle_cpu_set.contains(id) != is_idle_thread(running))
        return "the set of idle CPUs is wrong";
    if (is_idle_thread(running) && running.count == 0 && run_queues.on(id).waiting() != 0)
        return "a CPU is idle and has a thread in its queue";
    if (without_tick != 0)
        return "";
    // INV-timers-1
    if (machine().alarm_of(cpu) > machine().as(cpu, [] { return Timer::first_time(); }))
        return "the alarm is set later than the first timer";
    const u64 period = is_idle_thread(running) ? kCountsPerSecond : kTick;
    if (machine().alarm_of(cpu) > machine().now() + period)
        return "the next tick is more than a period away";
    return "";
}

std::string at_rest()
{
    for (u32 cpu = 0; cpu < machine().cpus(); ++cpu) {
        if (machine().is_off(cpu) || !active_cpu_set.contains(CpuId{cpu}))
            continue;
        for (const std::string& wrong : {wrong_with_queue(cpu), wrong_with_cpu(cpu)}) {
            if (!wrong.empty())
                return "cpu" + std::to_string(cpu) + ": " + wrong;
        }
    }
    return "";
}

std::string describe()
{
    std::string text;
    for (u32 cpu = 0; cpu < machine().cpus(); ++cpu) {
        if (machine().thread_pointer_of(cpu) == nullptr)
            continue;
        const Thread& thread = thread_on(cpu);
        text += "cpu" + std::to_string(cpu) + " runs " + name_of(thread) + ", slice " +
                std::to_string(thread.slice) + ", count " + std::to_string(thread.count) + ", due " +
                std::to_string(thread.due) + "; " + std::to_string(run_queues.on(CpuId{cpu}).waiting()) +
                " wait\n";
    }
    return text;
}

// As kernel_main() and run() of kernel/init/main.cpp.
void boot_first_cpu()
{
    start_features(this_machine());
    adopt_boot_cpu();
    if (!arch::interrupt_controller_init_cpu(kBootCpu, this_machine().cpus[0].mpidr))
        machine().fail("the boot CPU has no interrupt controller");
    const WithoutTick until_it_starts;
    start_scheduler();
    if (!start_tick())
        machine().fail("the boot CPU has no tick");
    arch::unmask_interrupts();
}

std::string wrong_at_end()
{
    const Aside aside;
    std::string wrong{wrong_with_board_at_end()};
    for (const std::string& line : take_console())
        wrong += "the kernel says: " + line + "\n";
    return wrong;
}

void begin_boot_thread()
{
    machine().begin_context();
    boot_first_cpu();
    (*test_of_run)();
    if (const std::string wrong = wrong_at_end(); !wrong.empty())
        machine().fail(wrong);
    machine().end();
}

// Returns a test that begins once all CPUs have come up.
std::function<void()> with_all_cpus(const std::function<void()>& test)
{
    return [&test] {
        bring_up_secondaries(this_machine());
        finalise_features();
        while (active_cpus().size() != machine().cpus())
            arch::relax();
        test();
    };
}

// Runs `test` in the boot thread, before the other CPUs are started.
std::string run_boot(u32 cpus, u64 seed, const std::function<void()>& test,
                     const arch::CpuFeatures& boot_cpu = with_features())
{
    reset_static_state(cpus);
    test_of_run = &test;
    switches_of_run.clear();
    forbids_idleness = 0;
    without_tick = 0;
    affinity_may_lag = 0;
    Machine machine{
        cpus, seed, {.handle_interrupt = &take_interrupt, .at_rest = &at_rest, .describe = &describe}};
    describe_board(cpus);
    board.cpus[0].features = boot_cpu;
    machine.turn_on(0, memory_of_stack(boot_thread_stack().end()), &begin_boot_thread, &boot_thread);
    const std::string failure = machine.run();
    reset_doubles();
    reset_board();
    reset_percpu_text();
    return failure;
}

} // namespace

// Called by the outgoing thread, with the lock of the queue.
void note_switch(void* next_pointer, void* before)
{
    Thread& next = static_cast<Thread&>(*static_cast<Preemption*>(next_pointer));
    const u32 self = machine().executing();
    if (&thread_on(self) != before)
        machine().fail("another thread than the running one switches away");
    for (u32 cpu = 0; cpu < machine().cpus(); ++cpu) {
        if (machine().thread_pointer_of(cpu) == next_pointer)
            machine().fail(name_of(next) + " runs on two CPUs");
    }
    const bool elsewhere = !next.affinity.contains(CpuId{self});
    if (elsewhere && affinity_may_lag == 0 && !(next.affinity & active_cpus()).empty())
        machine().fail(name_of(next) + " runs outside of its affinity");
    switches_of_run.push_back({machine().now(), self, &next, next.priority});
}

const std::vector<Switch>& switches()
{
    return switches_of_run;
}

NoCpuIsIdleInVain::NoCpuIsIdleInVain()
{
    ++forbids_idleness;
}

NoCpuIsIdleInVain::~NoCpuIsIdleInVain()
{
    --forbids_idleness;
}

AffinityMayLag::AffinityMayLag()
{
    ++affinity_may_lag;
}

AffinityMayLag::~AffinityMayLag()
{
    --affinity_may_lag;
}

WithoutTick::WithoutTick()
{
    ++without_tick;
}

WithoutTick::~WithoutTick()
{
    --without_tick;
}

std::string run_kernel(u32 cpus, u64 seed, const std::function<void()>& test)
{
    return run_boot(cpus, seed, with_all_cpus(test));
}

std::string run_kernels(u32 cpus, u32 runs, const std::function<void()>& test)
{
    return run_boots(cpus, runs, with_all_cpus(test));
}

std::string run_boots(u32 cpus, u32 runs, const std::function<void()>& test,
                      const arch::CpuFeatures& boot_cpu)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    const char* const chosen = std::getenv("PERCIVAL_SEED");
    const u64 first = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
    const u64 last = chosen != nullptr ? first : runs;
    for (u64 seed = first; seed <= last; ++seed) {
        const std::string failure = run_boot(cpus, seed, test, boot_cpu);
        if (!failure.empty())
            return "PERCIVAL_SEED=" + std::to_string(seed) + " on " + std::to_string(cpus) +
                   " CPUs: " + failure;
    }
    return "";
}

void expect_console(std::vector<std::string> lines)
{
    const Aside aside;
    std::ranges::sort(lines);
    const std::vector<std::string> found = take_console();
    if (found == lines)
        return;
    std::string text = "the kernel says:";
    for (const std::string& line : found)
        text += "\n  " + line;
    machine().fail(text + "\nand should say " + std::to_string(lines.size()) + " lines");
}

void expect_equal(u64 found, u64 wanted, const char* what)
{
    expect_within(found, wanted, wanted, what);
}

void expect_within(u64 found, u64 low, u64 high, const char* what)
{
    const Aside aside;
    if (found < low || found > high)
        machine().fail(std::string{what} + ": " + std::to_string(found) + ", not " + std::to_string(low) +
                       (low == high ? "" : " to " + std::to_string(high)));
}

void sleep_for(u64 counts)
{
    sleep_for_nanoseconds(counts * kNanosecondsPerCount);
}

Running::Running(std::function<void()> body, const ThreadOptions& options, std::string_view name)
    : body_{std::move(body)}
{
    const auto thread = start_thread(name, body_, options);
    expect(thread.has_value(), "there is no memory for a thread");
    thread_ = *thread;
}

Running::~Running()
{
    join();
}

void Running::join()
{
    if (thread_ != nullptr)
        percival::join(*thread_);
    thread_ = nullptr;
}

} // namespace testing
} // namespace percival
