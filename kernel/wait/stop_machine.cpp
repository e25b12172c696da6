// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/wait/stop_machine.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/devices/interrupt_controller.hpp"

#include <atomic>

namespace percival {
namespace {

// Written by the one whose Broadcast is under way.
constinit std::atomic<u32> held{0};
constinit std::atomic<bool> release{false};

// Sleeps, so that the core's other threads, or an emulator's other CPUs, are not slowed down by its looking. The
// interrupt that releases it is masked here, and one that comes between the look and the sleep ends that at once; so
// does a tick that is pending, and then this spins after all.
void hold(void*)
{
    held.fetch_add(1, std::memory_order_relaxed);
    while (!release.load(std::memory_order_acquire)) {
        arch::wait_for_interrupt();
        arch::relax();
    }
    arch::isb(); // what is executed next may have been patched meanwhile
}

} // namespace

WhileOthersAreHeld::WhileOthersAreHeld()
{
    held.store(0, std::memory_order_relaxed);
    release.store(false, std::memory_order_relaxed);
    broadcast_.ask(&hold, nullptr);
    while (held.load(std::memory_order_relaxed) != broadcast_.asked().size())
        arch::relax();
}

WhileOthersAreHeld::~WhileOthersAreHeld()
{
    release.store(true, std::memory_order_release);
    broadcast_.asked().for_each([](CpuId cpu) { arch::send_ipi(cpu, arch::Ipi::Call); });
}

} // namespace percival
