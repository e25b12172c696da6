// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/cpus/online.hpp"

#include "arch/devices/interrupt_controller.hpp"
#include "mm/percpu/area.hpp"

#include <array>
#include <atomic>

namespace percival {
namespace {

// One compare-exchange decides whether a Starting CPU becomes Arriving or LeftOut; a CPU that arrives too
// late finds LeftOut and becomes Gone. From Arriving on only the CPU itself changes its state: to Online, or
// to Gone if it cannot be set up. A CPU that goes offline is Leaving while it still answers. It is Gone when
// all that remains for it is to turn itself off.
enum class CpuState : u8 { Off, Starting, Arriving, Online, LeftOut, Leaving, Gone };

struct Cpu {
    std::atomic<CpuState> state{CpuState::Off};
    bool has_been_online{false}; // written by the CPU itself
    arch::CpuFeatures features{};
    arch::CpuFeatureSet lacking{}; // written by the CPU itself between Arriving and Gone
};

constinit std::array<Cpu, kMaxCpus> cpus{};
constinit std::atomic<u32> online{0};
constinit std::atomic<bool> new_cpus_stay_out{false};

// Moves `cpu` from Starting to `state`. Returns false if it was not Starting.
bool leave_starting(CpuId cpu, CpuState state)
{
    CpuState expected = CpuState::Starting;
    return cpus[cpu.index()].state.compare_exchange_strong(expected, state, std::memory_order_acq_rel);
}

} // namespace

u32 online_cpu_count()
{
    return online.load(std::memory_order_relaxed);
}

bool is_online(CpuId cpu)
{
    return cpus[cpu.index()].state.load(std::memory_order_acquire) == CpuState::Online;
}

const arch::CpuFeatures& cpu_features(CpuId cpu)
{
    return cpus[cpu.index()].features;
}

void stop_other_cpus()
{
    const CpuId self = this_cpu_id();
    for_each_online_cpu([self](CpuId cpu) {
        if (cpu != self)
            arch::send_ipi(cpu, arch::Ipi::Stop);
    });
}

void set_starting(CpuId cpu)
{
    cpus[cpu.index()].lacking = {};
    cpus[cpu.index()].state.store(CpuState::Starting, std::memory_order_release);
}

bool has_never_started(CpuId cpu)
{
    return cpus[cpu.index()].state.load(std::memory_order_acquire) == CpuState::Off;
}

bool is_coming(CpuId cpu)
{
    const CpuState state = cpus[cpu.index()].state.load(std::memory_order_acquire);
    return state == CpuState::Starting || state == CpuState::Arriving;
}

bool arrive(CpuId self)
{
    for (;;) {
        if (leave_starting(self, CpuState::Arriving))
            return true;
        CpuState expected = CpuState::LeftOut;
        if (cpus[self.index()].state.compare_exchange_strong(expected, CpuState::Gone,
                                                             std::memory_order_acq_rel) ||
            expected != CpuState::Starting)
            return false;
        // It was started again just now: this is the CPU that is waited for.
    }
}

void set_online(CpuId self, const arch::CpuFeatures& features)
{
    Cpu& cpu = cpus[self.index()];
    cpu.features = features;
    cpu.has_been_online = true;
    // Release: a CPU that sees Online, or a later state, also sees the features.
    cpu.state.store(CpuState::Online, std::memory_order_release);
    online.fetch_add(1, std::memory_order_relaxed);
    // Pairs with the fence of rcu::synchronize(): either that finds this CPU online and asks it, or no reader
    // of this CPU finds what the caller unlinked.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

bool leave_out(CpuId cpu)
{
    return leave_starting(cpu, CpuState::LeftOut);
}

void set_offline(CpuId cpu)
{
    cpus[cpu.index()].state.store(CpuState::Leaving, std::memory_order_release);
    online.fetch_sub(1, std::memory_order_relaxed);
}

void say_goodbye()
{
    cpus[this_cpu_id().index()].state.store(CpuState::Gone, std::memory_order_release);
}

void say_goodbye_for_lack_of(CpuId self, arch::CpuFeatureSet features)
{
    cpus[self.index()].lacking = features;
    cpus[self.index()].state.store(CpuState::Gone, std::memory_order_release);
}

arch::CpuFeatureSet lacking_features(CpuId cpu)
{
    return has_said_goodbye(cpu) ? cpus[cpu.index()].lacking : arch::CpuFeatureSet{};
}

bool has_said_goodbye(CpuId cpu)
{
    return cpus[cpu.index()].state.load(std::memory_order_acquire) == CpuState::Gone;
}

bool can_start_again(CpuId cpu)
{
    const Cpu& described = cpus[cpu.index()];
    const CpuState state = described.state.load(std::memory_order_acquire);
    return (state == CpuState::Gone || state == CpuState::LeftOut) &&
           (described.has_been_online || !new_cpus_stay_out.load(std::memory_order_relaxed));
}

void keep_out_new_cpus()
{
    new_cpus_stay_out.store(true, std::memory_order_relaxed);
}

} // namespace percival
