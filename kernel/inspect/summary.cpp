// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/inspect/dumps.hpp"

#include "arch/cpu/exception_level.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/timer.hpp"
#include "arch/mmu/root_switch.hpp"
#include "arch/mmu/tlb.hpp"
#include "arch/percpu_modes/alternatives.hpp"
#include "boot/level_choice.hpp"
#include "kernel/boot_arguments/boot_argument_report.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/report/hardware_watchdogs.hpp"
#include "kernel/uart/uart_table.hpp"
#include "linker/symbols.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image_seal.hpp"
#include "mm/image/uefi_handoff.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/pages/memory_statistics.hpp"
#include "mm/percpu/area.hpp"
#include "mm/percpu/window.hpp"
#include "mm/roots/completeness.hpp"
#include "mm/roots/roots.hpp"

#include <optional>

namespace percival {
namespace {

using mm::KernelGeometry;
using mm::KernelLayout;

// Says so if the kernel was asked for EL2 and runs at EL1.
void print_unmet_level(const MachineDescription& machine)
{
    const auto asked = reported(BootArguments{machine.boot_arguments}.choice(BootArgumentTable::kEl));
    if (asked == LevelChoice::El2 && !arch::runs_at_el2())
        print("boot argument el=2: {}, using 1",
              boot::reason_against_el2({.entered_at_el2 = boot::handoff.entered_at_el2 != 0,
                                        .has_vhe = boot::has_vhe(arch::IdAa64Mmfr1::read())}));
}

void print_machine(const MachineDescription& machine)
{
    Bytes memory{0};
    for (const MemoryBank& bank : machine.memory)
        memory = memory + bank.range.size;
    print("machine: {}, {} of {} CPUs, {} in {} bank(s), {}, {} Hz timer", machine.model, online_cpu_count(),
          machine.cpus.size(), memory, machine.memory.size(), arch::interrupt_controller_name(),
          arch::timer_frequency());
    std::array<char, kLineLength> room;
    Writer count{room};
    arch::describe_counter_errata(count);
    if (!count.text().empty())
        print("timer: the count is read carefully{}", count.text());
    if (machine.cpus_left_out != 0)
        print("machine: {} CPUs are beyond the {} this kernel can drive", machine.cpus_left_out, kMaxCpus);
    for (const DeviceTreeError& note : machine.notes)
        print("machine: {}", note); // begins with "device tree: "
    if (machine.notes_left_out != 0)
        print("machine: device tree: {} more remarks", machine.notes_left_out);
    print("machine: image at {}, device tree at {}, entered at EL{}, runs at EL{}", boot::handoff.image,
          boot::handoff.device_tree, boot::handoff.entered_at_el2 != 0 ? u32{2} : u32{1},
          arch::exception_level());
    print_unmet_level(machine);
    const boot::UefiHandoff& uefi = boot::uefi_handoff;
    if (uefi.is_given)
        print("machine: started by UEFI, which leaves {} ranges of memory to the kernel; {} found no room",
              uefi.memory.ranges().size(), uefi.memory.left_out());
    print("machine: image as built, {} with checksum {:016x}", address_of(_erodata) - address_of(_sealed),
          mm::sealed_sums().weighted);
}

std::string_view origin_of(UartSource source)
{
    switch (source) {
    case UartSource::BootArgument:
        return "named by earlycon";
    case UartSource::DeviceTree:
        return "named by stdout-path";
    case UartSource::Guess:
        return "the first UART, as none is named";
    }
    return "";
}

void print_console(const UartDescription& uart)
{
    if (uart.kind == UartKind::None)
        return;
    print("console: {} at {}, {} bit accesses, offsets times {}{}; {}", uart_facts(uart.kind).name.text(),
          uart.registers.base, uart.layout.bytes * 8, 1 << uart.layout.shift,
          uart.layout.is_big_endian ? ", big-endian" : "", origin_of(uart.source));
}

void print_cpus()
{
    std::array<char, kLineLength> room;
    // Prints one line per run of consecutive CPUs of the same kind.
    const auto alike = [](CpuId a, CpuId b) { return cpu_features(a).midr == cpu_features(b).midr; };
    CpuId first{0};
    CpuId previous{0};
    const auto flush = [&] {
        Writer text{room};
        format(text, "cpu: {} to {}: ", first, previous);
        arch::describe_cpu(text, cpu_features(first).midr);
        print("{}, MIDR {:010x}", text.text(), cpu_features(first).midr);
    };
    for_each_online_cpu([&](CpuId cpu) {
        if (!alike(first, cpu)) {
            flush();
            first = cpu;
        }
        previous = cpu;
    });
    flush();
}

// Returns the first CPU that requires every flush to be repeated; nothing if there is none.
std::optional<CpuId> cpu_that_needs_repeated_tlbis()
{
    std::optional<CpuId> found;
    for_each_online_cpu([&found](CpuId cpu) {
        if (!found && cpu_features(cpu).has(arch::CpuFeature::RepeatedTlbi))
            found = cpu;
    });
    return found;
}

// Prints what all CPUs have, and a line for each feature that only some of them have.
void print_features()
{
    std::array<char, kLineLength> room;
    Writer all{room};
    arch::describe_features(all, system_features().all());
    print("features: {}; atomics: {}", all.text(), arch::percpu_form().lse ? "LSE" : "LL/SC");
    arch::for_each_cpu_feature([](arch::CpuFeature feature) {
        u32 lack = 0;
        std::optional<CpuId> first;
        for_each_online_cpu([&](CpuId cpu) {
            if (cpu_features(cpu).value(feature) != system_features().value(feature))
                return;
            ++lack;
            first = first.value_or(cpu);
        });
        if (!arch::facts_of(feature).is_defect() && first && lack != online_cpu_count())
            print("features: lacking {}: {} of {} CPUs, first cpu{}", arch::facts_of(feature).name, lack,
                  online_cpu_count(), *first);
    });
}

void print_tlb()
{
    std::array<char, kLineLength> room;
    Writer text{room};
    format(text, "tlb: invalidation {}", arch::has_range_tlbi() ? "by range" : "page by page");
    if (const auto cpu = cpu_that_needs_repeated_tlbis()) {
        format(text, ", each flush twice for cpu{}, a ", *cpu);
        arch::describe_cpu(text, cpu_features(*cpu).midr);
    }
    format(text, "; leaves in use change their size {}",
           mm::kernel_tables().resizes_live() ? "live" : "by break-before-make");
    print("{}", text.text());
}

void print_layout()
{
    print("layout: {} granule, {} bit addresses, {} levels; private from level {} down, {} table(s) per CPU",
          KernelGeometry::kPageSize, KernelGeometry::kVaBits, KernelGeometry::kLevels,
          KernelLayout::kPrivateLevel.number(), KernelLayout::kPrivateTables);
    if (mm::folded_to_48_bits)
        print("layout: this CPU translates 48 bits only: the top of the 52-bit tree is folded away");
    for (const auto& [name, range] : KernelLayout::regions(mm::folded_to_48_bits))
        print("layout: {:-14} {} to {}, {}", name, range.base, range.end() - Bytes{1}, range.size);
    print("layout: image {}, percpu section {}", address_of(_image_end) - address_of(_image_start),
          address_of(_percpu_end) - address_of(_percpu_start));
}

void print_roots()
{
    const mm::RootCompleteness& cost = mm::root_completeness();
    constexpr Bytes kPage = KernelGeometry::kPageSize;
    std::array<char, 32> room;
    Writer instructions{room};
    if (cost.instructions != 0)
        format(instructions, ", {} instructions", cost.instructions);
    print("roots: complete with {} tables, {} KiB{}; private tables {} KiB for {} CPU(s)", cost.tables,
          (kPage * cost.tables).count() >> 10, instructions.text(), mm::private_tables().size.count() >> 10,
          possible_cpu_count());
    if (percpu::roots_are_common())
        print("roots: common to all CPUs, CnP = {} on cpu0", u32{arch::root_is_common_not_private()});
    // One line for all CPUs: a line takes 5 ms at 115200 baud.
    const Bytes apart = percpu::roots_are_common() ? Bytes{0} : kPage * KernelLayout::kPrivateTables;
    print("root: cpu0 {}, percpu at {}; of each next CPU {} and {} above", mm::cpu_root(kBootCpu),
          mm::local_to_global(KernelLayout::kLocalPercpu.base, kBootCpu), apart, KernelLayout::kSlabSize);
}

} // namespace

void print_summary(const MachineDescription& machine)
{
    print_machine(machine);
    print_console(machine.uart);
    hardware_watchdogs().print();
    print_cpus();
    print_features();
    print_tlb();
    print_layout();
    mm::print_memory_statistics();
    print_roots();
}

} // namespace percival
