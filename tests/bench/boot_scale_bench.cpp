// SPDX-License-Identifier: BSD-2-Clause
// Measures what a machine costs by the number of its CPUs, before it does anything: the way up, the memory of
// the percpu data, and the page tables. By the name of this file they come before all benchmarks that make
// page tables, which stay.
#include "kernel/inspect/boot_timeline.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/selftest/benchmark.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "mm/roots/slabs.hpp"
#include "tests/bench/settled_memory.hpp"

namespace percival {
namespace {

constexpr Bytes kPage = mm::KernelGeometry::kPageSize;

u64 hundredths_of(std::string_view phase)
{
    const u64 instructions = boot_instructions(phase);
    if (instructions == 0)
        panic("boot has no phase '{}' to measure", phase);
    return instructions * 100;
}

// All phases of boot that prepare for CPUs or start them. The last one ends when each is online with its own
// root, stack and tick; a part of it is waiting.
PERCIVAL_BENCHMARK(scale_bring_up, None)
{
    u64 hundredths = 0;
    for (const std::string_view phase :
         {"device tree, console", "complete master root", "percpu areas", "interrupts", "other CPUs"})
        hundredths += hundredths_of(phase);
    return {hundredths};
}

// Making the units, roots and windows of all CPUs, and the percpu memory that there is then.
PERCIVAL_BENCHMARK(scale_percpu_memory, None)
{
    settle_memory();
    const Bytes first = mm::first_unit_size() * possible_cpu_count();
    const Bytes more = kPage * percpu::page_statistics().pages;
    return {.hundredths = hundredths_of("percpu areas"), .bytes = (first + more).count()};
}

// Giving every entry of a root that may be used a table, and all page tables that there are, private ones
// included.
PERCIVAL_BENCHMARK(scale_page_tables, None)
{
    settle_memory();
    const u64 tables = mm::kernel_tables().tables_made() + mm::private_tables().size / kPage;
    return {.hundredths = hundredths_of("complete master root"),
            .tables = tables,
            .bytes = (kPage * tables).count()};
}

} // namespace
} // namespace percival
