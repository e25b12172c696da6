// SPDX-License-Identifier: BSD-2-Clause
// The main program of the kernel, from the first C++ in the kernel's own address space to the verdict. It
// decides the order in which everything comes up.
#include "arch/cpu/cache.hpp"
#include "arch/cpu/cpu_identity.hpp"
#include "arch/cpu/exception_level.hpp"
#include "arch/cpu/floating_point.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/power.hpp"
#include "arch/devices/timer.hpp"
#include "arch/mmu/tlb.hpp"
#include "arch/percpu_modes/level_sites.hpp"
#include "arch/threads/stack_switch.hpp"
#include "arch/traps/system_errors.hpp"
#include "kernel/boot_arguments/boot_argument_report.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/device_tree/device_tree.hpp"
#include "kernel/device_tree/salvage.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/common_root.hpp"
#include "kernel/init/console_setup.hpp"
#include "kernel/init/interrupt_controller_registers.hpp"
#include "kernel/init/memory_later.hpp"
#include "kernel/init/memory_setup.hpp"
#include "kernel/init/run_options.hpp"
#include "kernel/init/watchdog_setup.hpp"
#include "kernel/inspect/boot_timeline.hpp"
#include "kernel/inspect/dumps.hpp"
#include "kernel/inspect/ptdump.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/report/build_identity.hpp"
#include "kernel/report/verdict.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "kernel/selftest/instrument.hpp"
#include "kernel/virtio_mem/virtio_mem.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "kernel/wait/work_queue.hpp"
#include "mm/guarded_objects/guarded_objects.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image_seal.hpp"
#include "mm/image/uefi_handoff.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/ro_after_init.hpp"
#include "mm/merge/background_merge.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "mm/vmalloc/vmap.hpp"

namespace percival {
namespace {

struct PsciQuestion {
    PsciConduit conduit;
    bool is_answered;
};

// Asks the firmware for its PSCI version. The call's instruction is undefined if the machine lacks the
// exception level that is to be called: there is no PSCI then.
void find_psci(bool tree_is_read)
{
    for (const PsciConduit conduit : psci_conduits_to_ask(this_machine().psci, tree_is_read)) {
        if (conduit == PsciConduit::Hvc && arch::runs_at_el2()) {
            print("psci: an HVC at EL2 would call this kernel itself, so there is no PSCI");
            continue;
        }
        PsciQuestion question{conduit, false};
        const auto fault = arch::catch_fault(
            [](void* argument) {
                auto& asked = *static_cast<PsciQuestion*>(argument);
                asked.is_answered = arch::power_init(asked.conduit, this_machine().psci_v01_cpu_on);
            },
            &question);
        if (question.is_answered)
            return;
        if (fault && conduit == this_machine().psci)
            print("psci: an {} is undefined on this machine, so there is no PSCI", name_of(conduit));
    }
}

std::expected<void, DeviceTreeError> read_tree()
{
    arch::FloatingPointWindow library_code_may_use_it;
    const auto& handoff = boot::handoff;
    // SAFETY: the boot code has mapped the device tree at this address, device_tree_size bytes long, and any
    // object may be read as bytes.
    const auto* blob = reinterpret_cast<const std::byte*>(handoff.device_tree_at.raw());
    return read_device_tree({blob, static_cast<std::size_t>(handoff.device_tree_size.count())},
                            machine_to_describe(), boot::uefi_handoff.facts());
}

// Reads the tree and gets ready to report: after this a panic is seen, and ends the run. So nothing that can
// fail comes before, and in particular no call of the firmware comes before the console. After an error
// of the tree the console and the ways to end the run are those that could still be read.
std::expected<void, DeviceTreeError> open_ends()
{
    const auto read = read_tree();
    attach_console(this_machine());
    const auto verdict = BootArguments{this_machine().boot_arguments}.choice(BootArgumentTable::kVerdict);
    set_way_to_end(reported(verdict));
    find_psci(read.has_value());
    arch::take_system_errors();
    take_over_watchdogs(this_machine());
    return read;
}

void read_machine()
{
    const bool image_is_as_built = mm::image_is_as_built();
    end_boot_phase("image checksum");
    const auto read = open_ends();
    if (!image_is_as_built)
        panic("the image is damaged: its checksum is not that of the build");
    if (!read)
        panic("{}", read.error());
    if (!move_boot_cpu_first(machine_to_describe(), arch::affinity()))
        panic("device tree: the CPU it was given to (MPIDR {:x}) is not in it", arch::affinity());
}

// At EL2 a few instructions name other registers than at EL1. Interrupts masked.
void name_registers_of_this_level(const arch::Alarm& alarm)
{
    if (arch::runs_at_el2())
        arch::patch_level_sites(arch::LevelCondition::AtEl2);
    if (alarm.is_physical)
        arch::patch_level_sites(arch::LevelCondition::WithPhysicalTimer);
}

void start_interrupts()
{
    const auto registers = map_interrupt_controller_registers(this_machine().interrupt_controller);
    if (!registers)
        panic("interrupt controller: {}", registers.error());
    if (const auto ready = arch::interrupt_controller_init(this_machine().interrupt_controller, *registers);
        !ready)
        panic("interrupt controller: {}", ready.error());
    if (const auto ready = arch::interrupt_controller_init_cpu(kBootCpu, this_machine().cpus[0].mpidr);
        !ready)
        panic("interrupt controller: {}", ready.error());
    start_scheduler();
    if (const auto ticks = start_tick(); !ticks)
        panic("{}", ticks.error());
    arch::unmask_interrupts();
}

// A TLBI is broadcast to all CPUs. So range TLBIs are used only if every CPU has them, and TLBIs are repeated
// if even one CPU completes them too early.
void choose_tlb_invalidation()
{
    const SystemFeatures& features = system_features();
    arch::range_tlbi_is_used = features.has(arch::CpuFeature::RangeTlbi);
    arch::tlbi_is_repeated = features.has(arch::CpuFeature::RepeatedTlbi);
    if (features.has(arch::CpuFeature::ResizesLive))
        mm::kernel_tables().allow_live_resizes();
}

void guard_objects_if_asked()
{
    if (!BootArguments{this_machine().boot_arguments}.flag(BootArgumentTable::kObjectsGuard))
        return;
    const auto room = mm::guard_small_objects(mm::early_memory().added_bytes(), possible_cpu_count());
    if (!room)
        panic("objects.guard: not enough memory for the records of guarded objects");
    print("objects: guarded, up to {} at a time", *room);
}

// Runs the probes, the benchmarks, or both.
Verdict measure(const RunOptions& options)
{
    Verdict verdict = Verdict::Passed;
    if (options.probes)
        verdict = run_probes(*options.probes, check_counters().is_emulated);
    if (options.benchmarks && run_benchmarks(*options.benchmarks) != Verdict::Passed)
        verdict = Verdict::Failed;
    return verdict;
}

// Runs as the boot thread, on a guarded stack: brings up the rest, runs the tests or benchmarks, and ends the
// run.
[[noreturn]] void run(void*)
{
    guard_objects_if_asked();
    percpu::start_allocator();
    start_interrupts();
    end_boot_phase("interrupts");
    bring_up_secondaries(this_machine());
    finalise_features();
    start_workers();
    start_everywhere_threads();
    end_boot_phase("other CPUs");
    choose_percpu_mode(BootArguments{this_machine().boot_arguments}); // one for all CPUs: all are known now
    choose_tlb_invalidation();
    mm::start_merging();
    end_boot_phase("atomics");
    settle_linear_map(this_machine());
    share_tlb_entries(); // after the repaint, for which each CPU keeps its TLB entries to itself
    give_held_back_memory();
    start_virtio_mem(this_machine());
    end_boot_phase("PCI");
    mm::seal_init_data();
    bring_up_later_cpus();
    print_summary(this_machine());
    report_lost_output(this_machine());
    end_boot_phase("summary");
    print_boot_timeline();
    const RunOptions options = read_run_options(BootArguments{this_machine().boot_arguments});
    if (options.list_arguments) {
        print_boot_arguments();
        end_run(Verdict::Passed);
    }
    if (options.dump_page_tables)
        dump_page_tables();
    if (options.list_areas)
        print_vmallocinfo();
    if (options.list_machine)
        print_machineinfo(this_machine());
    if (options.list_percpu)
        print_percpuinfo();
    end_run(options.probes || options.benchmarks ? measure(options) : run_selftests(options.selftest));
}

} // namespace

// Called by boot/start.S on the boot stack, on the master root, interrupts masked.
extern "C" [[noreturn]] void kernel_main()
{
    print("Percival {}, commit {}, preset {}", kBuildIdentity.version, kBuildIdentity.commit,
          kBuildIdentity.preset);
    end_boot_phase("first tables, MMU on");
    read_machine();
    end_boot_phase("device tree, console");
    const auto alarm = arch::alarm_at(arch::exception_level(), this_machine().timer);
    if (!alarm)
        panic("el=2: the firmware names no interrupt of a timer of EL2 (hyp-virt, hyp-phys)");
    if (!arch::timer_init(this_machine().timer, *alarm))
        panic("the timer's frequency is unknown: CNTFRQ_EL0 is 0 and the device tree names none");
    end_boot_phase("timer");
    keep_reachable_memory(machine_to_describe());
    start_features(this_machine());
    hold_back_memory(machine_to_describe());
    set_up_memory(this_machine());
    arch::note_cache_lines();
    name_registers_of_this_level(*alarm);
    prepare_percpu_mode(BootArguments{this_machine().boot_arguments});
    adopt_boot_cpu();
    end_boot_phase("own root");
    arch::switch_stack_and_call(boot_thread_stack().end(), &run, nullptr);
}

} // namespace percival
