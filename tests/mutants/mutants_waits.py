# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of what has to wait, and of what is looked at again. Boots judge them, by tests that hold the other
side until the function has had its chance to return too early.
"""

from __future__ import annotations

from mutant import by_boot

MUTANTS = (
    by_boot(
        "rcu: callbacks run without a grace period",
        "kernel/wait/rcu.cpp",
        "        return;\n    synchronize();\n    while (list",
        "        return;\n    while (list",
        "rcu.no_callback_runs*",
    ),
    by_boot(
        "percpu_ref: a mode change adds up without a grace period",
        "kernel/percpu/ref.cpp",
        "    rcu::synchronize(); // from here on no CPU counts for itself (INV-percpu_ref-1)\n",
        "",
        "percpu_ref.a_change_to_the_common_count*",
    ),
    by_boot(
        "percpu_counter: set() leaves the deltas",
        "kernel/percpu/counter.cpp",
        "        std::atomic_ref{deltas_->on(CpuId{cpu})}.store(0, std::memory_order_relaxed);\n"
        "    std::atomic_ref{common_->count}.store(value,",
        "        static_cast<void>(cpu);\n    std::atomic_ref{common_->count}.store(value,",
        "percpu_counter.set_*",
    ),
    by_boot(
        "percpu_counter: add() does not tell that it went to the common count",
        "kernel/percpu/counter.hpp",
        "        fold();\n        return true;\n",
        "        fold();\n        return false;\n",
        "percpu_counter.a_delta_goes_*",
    ),
    by_boot(
        "percpu_counter: add() tells of the common count each time",
        "kernel/percpu/counter.hpp",
        "[[likely]]\n            return false;\n",
        "[[likely]]\n            return true;\n",
        "percpu_counter.a_delta_goes_*",
    ),
    by_boot(
        "timers: cancel() does not wait for a function that runs",
        "kernel/sched/timers.cpp",
        "        if (queue.ringing != this)\n            return stopped;\n",
        "        return stopped;\n",
        "timers.cancel_waits*",
    ),
    by_boot(
        "timers: the alarm is not set for timers that move",
        "kernel/sched/timers.cpp",
        "        source.ringing = nullptr;\n    }\n"
        "    const arch::InterruptMask masked;\n    program_alarm();\n",
        "        source.ringing = nullptr;\n    }\n",
        "timers.the_alarm_is_set_for_timers_that_come*",
    ),
    by_boot(
        "tick: the alarm is set for ticks only",
        "kernel/sched/tick.cpp",
        "    return std::min(tick, Timer::first_time()); // INV-timers-1",
        "    return tick;",
        "timers.the_alarm_is_set_for_a_timer*",
    ),
    by_boot(
        "tick: a CPU that ceases to be idle keeps its slow tick",
        "kernel/sched/thread_switch.cpp",
        "        idle_cpu_set.remove(self);\n    else\n        return;\n    program_alarm();\n",
        "        return idle_cpu_set.remove(self);\n    else\n        return;\n    program_alarm();\n",
        "timers.a_cpu_that_ceases*",
    ),
    by_boot(
        "placement: a thread joins a CPU that has closed meanwhile",
        "kernel/sched/thread_placement.cpp",
        "        if (may_run_on(thread, target)) { // INV-thread_placement-1",
        "        if (target.index() < kMaxCpus) {",
        "threads.a_thread_does_not_join*",
    ),
    by_boot(
        "psci: a CPU that is on counts as off",
        "arch/arm64/devices/psci.cpp",
        "    return status(kAffinityInfo, mpidr, 0) == kOff;",
        "    return status(kAffinityInfo, mpidr, 0) <= kOff;",
        "hotplug.a_cpu_is_off*",
    ),
    by_boot(
        "faults: a permission fault counts as spurious",
        "arch/arm64/traps/exceptions.cpp",
        "    if (!far_is_valid(registers.esr) || fault_status(registers.esr).kind != FaultKind::Translation)",
        "    if (!far_is_valid(registers.esr))",
        "protection.*",
    ),
    by_boot(
        "stop_machine: the function begins before all are held",
        "kernel/wait/stop_machine.cpp",
        "    while (held.load(std::memory_order_acquire) != broadcast_.asked().size())\n"
        "        arch::relax();\n",
        "",
        "stop_machine.the_function_begins*",
    ),
)
