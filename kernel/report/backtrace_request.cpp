// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/report/backtrace_request.hpp"

#include "arch/backtrace/backtrace.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/print.hpp"
#include "mm/percpu/area.hpp"

#include <atomic>

namespace percival {
namespace {

// Set by the CPU that was asked. Only one CPU is asked at a time, so that the reports do not mix.
constinit std::atomic<bool> answered{false};

// A CPU has half a second to answer. That is long because an emulator may run several CPUs on one host CPU.
constexpr u64 kAnswersPerSecond = 2;

void ask(CpuId cpu)
{
    answered.store(false, std::memory_order_relaxed);
    arch::send_ipi(cpu, arch::Ipi::Backtrace);
    const u64 deadline = arch::timer_ticks() + arch::timer_frequency() / kAnswersPerSecond;
    while (!answered.load(std::memory_order_acquire)) {
        if (arch::timer_ticks() > deadline) {
            print("cpu{}: does not answer, its interrupts are masked", cpu);
            return;
        }
        arch::relax();
    }
}

} // namespace

void answer_backtrace_request(const arch::Registers& interrupted)
{
    print("cpu{} was at:", this_cpu_id());
    arch::print_backtrace(interrupted);
    answered.store(true, std::memory_order_release);
}

void backtrace_all_cpus()
{
    const CpuId self = this_cpu_id();
    print("cpu{} (reporting):", self);
    arch::print_backtrace();
    for_each_online_cpu([self](CpuId cpu) {
        if (cpu != self)
            ask(cpu);
    });
}

} // namespace percival
