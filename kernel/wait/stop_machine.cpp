// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/wait/stop_machine.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/timer.hpp"

#include <atomic>

namespace percival {
namespace {

// The number of CPUs that are held, and the signal to go on. Reset by the CPU whose Broadcast is under way.
constinit std::atomic<u32> held{0};
constinit std::atomic<bool> release{false};

// Keeps a CPU that was asked until `release` is set. It sleeps between two looks, so that it does not slow
// down the other threads of its core or the other CPUs of an emulator. Interrupts are masked, but a pending
// one still ends the sleep: if the releasing interrupt arrives between the look and the sleep, the sleep ends
// at once. The tick must not do so as well: once it was pending, the CPU would spin.
void hold(void*)
{
    const arch::AlarmMute mute;
    held.fetch_add(1, std::memory_order_release);
    while (!release.load(std::memory_order_acquire)) {
        arch::wait_for_interrupt();
        arch::relax();
    }
    arch::isb(); // the instructions that follow may have been patched meanwhile
}

} // namespace

WhileOthersAreHeld::WhileOthersAreHeld()
{
    held.store(0, std::memory_order_relaxed);
    release.store(false, std::memory_order_relaxed);
    broadcast_.ask(&hold, nullptr);
    // Acquire: this CPU sees everything that the others wrote before they were held.
    while (held.load(std::memory_order_acquire) != broadcast_.asked().size())
        arch::relax();
}

WhileOthersAreHeld::~WhileOthersAreHeld()
{
    release.store(true, std::memory_order_release);
    broadcast_.asked().for_each([](CpuId cpu) { arch::send_ipi(cpu, arch::Ipi::Call); });
}

} // namespace percival
