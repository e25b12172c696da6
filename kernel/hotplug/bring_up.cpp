// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/hotplug/bring_up.hpp"

#include "arch/boot/boot_record.hpp"
#include "arch/cpu/cache.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/power.hpp"
#include "arch/devices/timer.hpp"
#include "arch/mmu/idmap.hpp"
#include "arch/mmu/root_switch.hpp"
#include "arch/percpu/register.hpp"
#include "arch/traps/system_errors.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/common_root.hpp"
#include "kernel/hotplug/cpu_error.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/hotplug/later_cpus.hpp"
#include "kernel/hotplug/power_on.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/patience.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/tick.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/stacks.hpp"

namespace percival {
namespace {

// How long all CPUs together may take to come up; more if they are many (patient_seconds()).
constexpr u32 kBringUpSeconds = 20;

constinit CpuSet held_back{};

u64 mpidr_of(CpuId cpu)
{
    return this_machine().cpus[cpu.index()].mpidr;
}

void write_boot_records(const MachineDescription& machine)
{
    const u64 count = machine.cpus.size(); // includes the boot CPU, which may go offline and come back
    const Bytes size = Bytes{sizeof(arch::BootRecord)} * count;
    const auto memory = mm::allocate_pages(mm::order_for(size, mm::KernelGeometry::kPageSize));
    if (!memory)
        panic("no memory for the boot records of {} CPUs", count);
    auto* records = mm::linear_pointer<arch::BootRecord>(*memory);
    for (u32 index = 0; index < machine.cpus.size(); ++index) {
        const CpuId cpu{index};
        arch::prepare_secondary(records[index], {.mpidr = machine.cpus[index].mpidr,
                                                 .root = mm::root_register(mm::cpu_root(cpu)),
                                                 .percpu_distance = mm::global_distance(cpu),
                                                 .stack_top = cpu_stack(cpu).end()});
    }
    arch::publish_boot_records({records, count}, *memory);
}

// Leaves out the CPUs of cpus.later. One that shares its release address with others comes all the same, and
// turns itself off.
void hold_back(const MachineDescription& machine)
{
    held_back = later_cpus(BootArguments{machine.boot_arguments}, static_cast<u32>(machine.cpus.size()));
    held_back.for_each([](CpuId cpu) { static_cast<void>(leave_out(cpu)); });
}

bool any_cpu_is_coming()
{
    for (u32 index = 1; index < possible_cpu_count(); ++index) {
        if (is_coming(CpuId{index}))
            return true;
    }
    return false;
}

void wait_for_secondaries()
{
    const u64 seconds = patient_seconds(kBringUpSeconds, possible_cpu_count());
    const u64 deadline = arch::timer_ticks() + seconds * arch::timer_frequency();
    while (any_cpu_is_coming() && arch::timer_ticks() < deadline)
        arch::relax();
    for (u32 index = 1; index < possible_cpu_count(); ++index) {
        if (leave_out(CpuId{index}))
            print("cpu{}: did not come up (MPIDR {:x}), left out", index, mpidr_of(CpuId{index}));
    }
    // The others have arrived. Their set-up is bounded, and executes sites that are patched afterwards.
    while (any_cpu_is_coming())
        arch::relax();
    for (u32 index = 1; index < possible_cpu_count(); ++index) {
        if (const auto lacking = lacking_features(CpuId{index}); !lacking.is_empty())
            print("cpu{}: {}, left out", index, CpuError{lacking});
    }
}

// Turns off the calling CPU, which has arrived, if it lacks features that are in use. Whoever waits for it
// says so: it may lack the instructions of a lock, and of all else that has this_cpu sites (INV-features-1).
void leave_unless_features_suffice(CpuId self, const arch::CpuFeatures& features)
{
    const arch::CpuFeatureSet lacking = system_features().missing_in(features);
    if (lacking.is_empty())
        return;
    say_goodbye_for_lack_of(self, lacking);
    arch::turn_off_this_cpu();
}

// Turns off the calling CPU, which has arrived but cannot be set up.
template <class Reason>
[[noreturn]] void leave_out_for_good(CpuId self, const Reason& why)
{
    print("cpu{}: {}, left out", self, why);
    say_goodbye();
    arch::turn_off_this_cpu();
}

} // namespace

void adopt_boot_cpu()
{
    arch::install_root(mm::root_register(mm::cpu_root(kBootCpu)));
    arch::set_this_cpu_distance(mm::global_distance(kBootCpu));
    set_online(kBootCpu, features_of_this_cpu(kBootCpu));
}

void bring_up_secondaries(const MachineDescription& machine)
{
    if (machine.cpus.size() == 1)
        return;
    run_when_idle(&leave_if_asked);
    // INV-bring_up-1: the first CPU that is released may be all of them.
    for (u32 index = 1; index < machine.cpus.size(); ++index)
        set_starting(CpuId{index});
    write_boot_records(machine);
    hold_back(machine);
    for (u32 index = 1; index < machine.cpus.size(); ++index) {
        if (held_back.contains(CpuId{index}))
            continue;
        if (const auto started = start_cpu(CpuId{index}); !started)
            print("cpu{}: {}, left out", index, started.error());
    }
    wait_for_secondaries();
}

void bring_up_later_cpus()
{
    held_back.for_each([](CpuId cpu) {
        if (const auto came = bring_cpu_online(cpu))
            print("cpu{}: came later", cpu);
        else
            print("cpu{}: {}, left out", cpu, came.error());
    });
}

std::expected<void, std::string_view> start_cpu(CpuId cpu)
{
    const auto started = power_on(cpu, arch::secondary_entry_address());
    // The error does not count if the CPU has arrived all the same.
    if (!started && leave_out(cpu))
        return started;
    return {};
}

// Refuses a secondary CPU that cannot run at EL2 as the others do. On its own root and stack, without percpu
// data: its distance is given, since the register of the distance belongs to EL2. Called by boot/start.S.
extern "C" [[noreturn]] void secondary_at_other_level(u64 distance)
{
    const CpuId self = mm::cpu_at_distance(distance);
    if (arrive(self)) {
        arch::CpuFeatureSet lacking;
        lacking.add(arch::CpuFeature::El2);
        say_goodbye_for_lack_of(self, lacking);
    }
    // TLBIs of a kernel at EL2 do not reach a CPU at EL1.
    arch::stop_off_the_tables();
}

// Runs as the first C++ of a secondary CPU: on its own root, percpu data and stack, interrupts masked.
// Called by boot/start.S.
extern "C" [[noreturn]] void secondary_main()
{
    const CpuId self = this_cpu_id();
    if (!arrive(self)) // INV-stop_machine-1: this comes before any this_cpu site
        arch::turn_off_this_cpu();
    const arch::CpuFeatures features = features_of_this_cpu(self);
    leave_unless_features_suffice(self, features);
    arch::note_cache_lines();
    arch::timer_init_cpu();
    arch::take_system_errors();
    if (const auto ready = arch::interrupt_controller_init_cpu(self, mpidr_of(self)); !ready)
        leave_out_for_good(self, ready.error());
    reset_idle_thread(self);
    // A CPU without a tick would keep its threads for ever. The machine is as good without it.
    if (const auto ticks = start_tick(); !ticks) {
        arch::interrupt_controller_leave_cpu();
        leave_out_for_good(self, ticks.error());
    }
    arch::drop_idmap();
    share_tlb_entries_of(self, features);
    set_online(self, features);
    join_scheduler();
    run_idle_thread();
}

} // namespace percival
