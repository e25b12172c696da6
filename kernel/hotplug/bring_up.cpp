// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/cpus/online.hpp"

#include "arch/boot/boot_record.hpp"
#include "arch/cpu/cache.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/power.hpp"
#include "arch/devices/timer.hpp"
#include "arch/mmu/idmap.hpp"
#include "arch/mmu/root_switch.hpp"
#include "arch/mmu/translation_registers.hpp"
#include "arch/percpu/register.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/tick.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/stacks.hpp"

#include <array>
#include <atomic>

// Read by secondary_entry in boot/start.S with the MMU off.
extern "C" {
constinit percival::arch::BootRecordTable boot_records = {};
void secondary_entry();
}

namespace percival {
namespace {

// Seconds a CPU has to come up, for all of them together.
constexpr u64 kBringUpSeconds = 20;

// A CPU that is late finds LeftOut and stops: the transition from Starting is decided by one
// compare-exchange. One that goes offline is Leaving as long as it answers, and Gone when it does nothing any
// more but turn itself off.
enum class CpuState : u8 { Off, Starting, Online, LeftOut, Leaving, Gone };

struct Cpu {
    std::atomic<CpuState> state{CpuState::Off};
    u64 mpidr{0};
    arch::CpuFeatures features{};
};

constinit std::array<Cpu, kMaxCpus> cpus{};
constinit std::atomic<u32> online{0};

bool enter(CpuState state, CpuId cpu)
{
    CpuState expected = CpuState::Starting;
    // Release: whoever sees Online sees the features.
    return cpus[cpu.index()].state.compare_exchange_strong(expected, state, std::memory_order_acq_rel);
}

void write_boot_records(const MachineDescription& machine)
{
    const u64 count = machine.cpus.size(); // the boot CPU's too: it may go and come back
    const Bytes size = Bytes{sizeof(arch::BootRecord)} * count;
    const auto memory = mm::allocate_pages(mm::order_for(size, mm::KernelGeometry::kPageSize));
    if (!memory)
        panic("no memory for the boot records of {} CPUs", count);
    auto* records = mm::linear_pointer<arch::BootRecord>(*memory);
    for (u32 index = 0; index < machine.cpus.size(); ++index) {
        const CpuId cpu{index};
        records[index] = {
            .mpidr = machine.cpus[index].mpidr,
            .root = arch::Ttbr1::walking_from(mm::walk_start(mm::cpu_root(cpu))).raw,
            .tpidr = mm::global_distance(cpu),
            .stack_top = cpu_stack(cpu).end().raw(),
            .unused = {},
            .early_stack = {},
        };
    }
    boot_records = {memory->raw(), count};
    arch::clean_and_invalidate_to_memory({address_of(records), size});
    arch::clean_and_invalidate_to_memory({address_of(&boot_records), Bytes{sizeof boot_records}});
}

std::expected<void, std::string_view> start(CpuId cpu)
{
    const PhysAddr entry = mm::image_to_physical(reinterpret_cast<const void*>(&secondary_entry));
    cpus[cpu.index()].state.store(CpuState::Starting, std::memory_order_release);
    const auto started = arch::start_cpu(cpu, entry);
    // An error is none if the CPU came up all the same.
    if (!started && leave_out(cpu))
        return started;
    return {};
}

// True while somebody is still starting.
bool someone_is_starting()
{
    for (u32 index = 1; index < possible_cpu_count(); ++index) {
        if (cpus[index].state.load(std::memory_order_relaxed) == CpuState::Starting)
            return true;
    }
    return false;
}

void wait_for_secondaries()
{
    const u64 deadline = arch::timer_ticks() + kBringUpSeconds * arch::timer_frequency();
    while (someone_is_starting() && arch::timer_ticks() < deadline)
        arch::relax();
    for (u32 index = 1; index < possible_cpu_count(); ++index) {
        if (leave_out(CpuId{index}))
            print("cpu{}: did not come up (MPIDR {:x}), left out", index, cpus[index].mpidr);
    }
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

void adopt_boot_cpu()
{
    arch::install_root(mm::cpu_root(kBootCpu));
    arch::set_this_cpu_distance(mm::global_distance(kBootCpu));
    Cpu& self = cpus[kBootCpu.index()];
    self.features = arch::read_cpu_features();
    self.state.store(CpuState::Online, std::memory_order_release);
    online.store(1, std::memory_order_relaxed);
}

void bring_up_secondaries(const MachineDescription& machine)
{
    cpus[kBootCpu.index()].mpidr = machine.cpus[0].mpidr;
    if (machine.cpus.size() == 1)
        return;
    write_boot_records(machine);
    for (u32 index = 1; index < machine.cpus.size(); ++index) {
        cpus[index].mpidr = machine.cpus[index].mpidr;
        if (const auto started = start(CpuId{index}); !started)
            print("cpu{}: {}, left out", index, started.error());
    }
    wait_for_secondaries();
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

bool has_said_goodbye(CpuId cpu)
{
    return cpus[cpu.index()].state.load(std::memory_order_acquire) == CpuState::Gone;
}

std::expected<void, std::string_view> start_again(CpuId cpu)
{
    return start(cpu);
}

bool leave_out(CpuId cpu)
{
    return enter(CpuState::LeftOut, cpu);
}

void stop_other_cpus()
{
    const CpuId self = this_cpu_id();
    for_each_online_cpu([self](CpuId cpu) {
        if (cpu != self)
            arch::send_ipi(cpu, arch::Ipi::Stop);
    });
}

// The first C++ of a secondary: on its own root, with its own percpu data and stack, interrupts masked.
extern "C" [[noreturn]] void secondary_main()
{
    arch::drop_idmap();
    const CpuId self = this_cpu_id();
    Cpu& cpu = cpus[self.index()];
    cpu.features = arch::read_cpu_features();
    if (const auto ready = arch::interrupt_controller_init_cpu(self, cpu.mpidr); !ready) {
        print("cpu{}: {}", self, ready.error());
        static_cast<void>(leave_out(self));
        arch::stop();
    }
    reset_idle_thread(self);
    start_tick();
    if (!enter(CpuState::Online, self))
        arch::stop();
    online.fetch_add(1, std::memory_order_relaxed);
    join_scheduler();
    run_idle_thread();
}

} // namespace percival
