// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/init/memory_later.hpp"

#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/boot_arguments/memory_range.hpp"
#include "kernel/lib/print.hpp"
#include "mm/hot_memory/hot_memory.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/kernel_map/linear_window.hpp"
#include "mm/roots/sync.hpp"

#include <algorithm>

namespace percival {
namespace {

constinit std::optional<MemoryBank> held_back;

bool is_needed_at_boot(const MachineDescription& machine, PhysRange range)
{
    const PhysRange device_tree{boot::handoff.device_tree, boot::handoff.device_tree_size};
    return range.overlaps(mm::image_in_memory()) || range.overlaps(device_tree) ||
           range.contains(PhysAddr{0}) ||
           std::ranges::any_of(machine.reserved,
                               [range](const auto& reserved) { return reserved.range.overlaps(range); }) ||
           std::ranges::any_of(machine.cpus, [range](const CpuDescription& cpu) {
               return cpu.start == CpuStart::SpinTable && range.contains(cpu.release_address);
           });
}

// Returns why `range` cannot be taken out of `machine`; an empty text if it can.
std::string_view take_out(MachineDescription& machine, PhysRange range)
{
    if (range.is_empty() || !range.base.is_aligned(mm::kHotMemoryUnit) ||
        range.size != range.size.align_down(mm::kHotMemoryUnit))
        return "is not a multiple of the page allocator's largest block";
    if (is_needed_at_boot(machine, range))
        return "contains the image, the device tree or reserved memory";
    mm::MemoryBanks rest;
    std::optional<MemoryBank> found;
    for (const MemoryBank& bank : machine.memory) {
        if (!bank.range.contains(range)) {
            static_cast<void>(rest.push(bank)); // there is room for as many banks as before
            continue;
        }
        found = {range, bank.numa_node};
        for (const PhysRange part : mm::without(bank.range, range)) {
            if (!part.is_empty() && !rest.push({part, bank.numa_node}))
                return "would leave too many banks";
        }
    }
    if (!found)
        return "is not in a bank of memory";
    if (rest.empty())
        return "is all memory";
    const mm::MemoryBanks all = machine.memory;
    machine.memory = rest;
    if (!mm::linear_window(machine).contains(range)) {
        machine.memory = all;
        return "would be out of reach of the linear map, which begins with the lowest bank";
    }
    held_back = found;
    return {};
}

} // namespace

void hold_back_memory(MachineDescription& machine)
{
    const BootArguments arguments{machine.boot_arguments};
    if (!arguments.is_given(BootArgumentTable::kMemoryLater))
        return;
    const std::string_view text = arguments.text(BootArgumentTable::kMemoryLater);
    const auto range = memory_range_in(text);
    const std::string_view problem = range ? take_out(machine, *range) : range.error();
    if (!problem.empty())
        print("boot argument memory.later={}: {}, nothing is held back", text, problem);
}

const std::optional<MemoryBank>& held_back_memory()
{
    return held_back;
}

void give_held_back_memory()
{
    if (!held_back)
        return;
    const auto& [range, node] = *held_back;
    const u64 entries = mm::late_root_entries();
    if (const auto added = mm::add_memory(range, mm::NumaNode{node}); !added)
        print("memory: {} at {} is not added: it {}", range.size, range.base,
              mm::description_of(added.error()));
    else
        print("memory: {} at {} added; new entries in each root: {}", range.size, range.base,
              mm::late_root_entries() - entries);
}

} // namespace percival
