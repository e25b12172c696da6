// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/memory_setup.hpp"

#include "kernel/boot_arguments/boot_argument_report.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/cpus/features.hpp"
#include "kernel/inspect/boot_timeline.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/percpu/window_choice.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/linear_window.hpp"
#include "mm/kernel_map/writable_window.hpp"
#include "mm/linear/repaint.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/window.hpp"
#include "mm/physical/early_memory.hpp"
#include "mm/roots/completeness.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "mm/vmalloc/vm_freed.hpp"

namespace percival {
namespace {

void reserve(PhysRange range)
{
    if (!mm::early_memory().reserve(range))
        print("memory: too many holes, some free memory around {} is not used", range.base);
}

// Returns the memory that is not to be used because of a reservation. Pages that must not be mapped are left
// alone as a whole.
PhysRange taken_by(const Reservation& reservation)
{
    if (!reservation.no_map)
        return reservation.range;
    constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
    const PhysAddr base = reservation.range.base.align_down(kPage);
    return {base, reservation.range.end().align_up(kPage) - base};
}

void collect_free_memory(const MachineDescription& machine)
{
    for (const MemoryBank& bank : machine.memory) {
        if (!mm::early_memory().add(bank.range, mm::NumaNode{bank.numa_node}))
            print("memory: too many banks, {} at {} is not used", bank.range.size, bank.range.base);
    }
    for (const Reservation& reservation : machine.reserved)
        reserve(taken_by(reservation));
    reserve(mm::image_in_memory());
    reserve({boot::handoff.device_tree, boot::handoff.device_tree_size});
    // A CPU in a spin table jumps to whatever is written to its release address.
    for (const CpuDescription& cpu : machine.cpus) {
        if (cpu.start == CpuStart::SpinTable)
            reserve({cpu.release_address, Bytes{sizeof(u64)}});
    }
    // Physical page 0 stays unused, so that a zero physical address never names memory of the kernel.
    reserve({PhysAddr{0}, mm::KernelGeometry::kPageSize});
}

PhysRange take_private_tables(u32 cpus)
{
    if (percpu::roots_are_common())
        return {};
    const auto tables =
        mm::early_memory().allocate(mm::private_tables_size(cpus), mm::KernelGeometry::kPageSize);
    if (!tables)
        panic("not enough memory for the root tables of {} CPUs", cpus);
    return *tables;
}

// `resize_live`: the boot CPU tolerates that leaves in use change their size.
mm::Leaves linear_map_leaves(LinearChoice wanted, bool resize_live)
{
    const bool in_blocks = wanted == LinearChoice::Auto ? resize_live : wanted == LinearChoice::Blocks;
    return in_blocks ? mm::Leaves::Largest : mm::Leaves::Pages;
}

void build_linear_map(const MachineDescription& machine, PhysRange private_tables)
{
    const auto wanted = BootArguments{machine.boot_arguments}.choice(BootArgumentTable::kLinear);
    const bool resize_live = system_features().has(arch::CpuFeature::ResizesLive); // the boot CPU
    if (!mm::map_linear(machine, private_tables, linear_map_leaves(reported(wanted), resize_live)))
        panic("not enough memory for the linear map's tables");
}

// Panics if `result` is an error: there was not enough memory for `what`.
template <class Result>
void need(const Result& result, std::string_view what)
{
    if (!result)
        panic("not enough memory for {}", what);
}

} // namespace

void keep_reachable_memory(MachineDescription& machine)
{
    const PhysRange window = mm::linear_window(machine);
    if (const Bytes left_out = mm::keep_within(machine.memory, window); left_out != Bytes{0})
        print("memory: {} outside of the {} from {} are not used: the linear map does not reach them",
              left_out, window.size, window.base);
    const PhysRange image = mm::image_in_memory();
    if (!mm::is_in_memory(machine.memory, image, mm::KernelGeometry::kPageSize))
        panic("the image at {}, {} long, is not in the memory that the device tree describes", image.base,
              image.size);
    for (const Reservation& reservation : machine.reserved) {
        if (reservation.no_map && reservation.range.overlaps(image))
            print("memory: no-map memory at {} contains the image, which stays mapped",
                  reservation.range.base);
    }
}

void set_up_memory(const MachineDescription& machine)
{
    const auto cpus = static_cast<u32>(machine.cpus.size());
    collect_free_memory(machine);
    percpu::window = choose_percpu_window(BootArguments{machine.boot_arguments});
    const PhysRange private_tables = take_private_tables(cpus);
    end_boot_phase("free memory");
    build_linear_map(machine, private_tables);
    end_boot_phase("linear map");
    need(make_cpu_stacks(machine), "the CPUs' stacks");
    need(mm::complete_master_root(cpus), "complete root tables");
    need(mm::make_writable_window_tables(), "the tables of the page by which text is patched");
    end_boot_phase("complete master root");
    need(mm::setup_percpu_areas(machine, private_tables), "the CPUs' percpu data");
    end_boot_phase("percpu areas");
    mm::start_page_allocator(machine);
    mm::limit_freed(mm::early_memory().added_bytes(), cpus);
    end_boot_phase("page allocator");
}

void settle_linear_map(const MachineDescription& machine)
{
    const auto wanted = BootArguments{machine.boot_arguments}.choice(BootArgumentTable::kLinear);
    const auto cpu = cpu_without(arch::CpuFeature::ResizesLive);
    if (wanted.value != LinearChoice::Auto || mm::linear_leaves == mm::Leaves::Pages || !cpu)
        return;
    const auto repaint = mm::repaint_linear_map();
    if (!repaint)
        return print("linear map: stays in blocks: no memory for the tables of pages, which cpu{} needs",
                     *cpu);
    print("linear map: repainted with pages for cpu{}: {} blocks, {} TLBIs, CPUs held for {} ticks", *cpu,
          repaint->blocks, repaint->invalidations, repaint->held_ticks);
    end_boot_phase("repaint");
}

} // namespace percival
