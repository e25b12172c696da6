// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/inspect/ptdump.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/lib/print.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/merge/background_merge.hpp"
#include "mm/roots/roots.hpp"
#include "mm/set_memory/set_memory.hpp"

namespace percival {
namespace {

using mm::Difference;
using mm::MappedRun;

constexpr KernelTableDump kDump{TableAt{}};

std::string_view region_of(VirtAddr address)
{
    for (const auto& [name, range] : mm::KernelLayout::regions(mm::folded_to_48_bits)) {
        if (range.contains(address))
            return name;
    }
    return "no region";
}

std::string_view leaf_name(const MappedRun& run)
{
    if (run.is_block())
        return run.contiguous ? "blocks in runs" : "blocks";
    return run.contiguous ? "pages in runs" : "pages";
}

void print_run(const MappedRun& run)
{
    const char rights[] = {'r', run.rights.writable ? 'w' : '-', run.rights.executable ? 'x' : '-',
                           run.rights.user ? 'u' : '-'};
    print("ptdump: {:-14} {} to {} {:8} {} level {} {:-14} {} {}", region_of(run.range.base), run.range.base,
          run.range.end() - Bytes{1}, run.range.size, run.to, run.level.number(), leaf_name(run),
          std::string_view{rights, sizeof rights},
          run.attributes.memory == mm::MemoryType::Device ? "device" : "normal");
}

void print_difference(const Difference& difference)
{
    std::array<char, 2 * 32> room;
    Writer text{room};
    const auto put = [&text](const std::optional<PhysAddr>& to) {
        if (to)
            format(text, "{}", *to);
        else
            text.put("nothing");
    };
    put(difference.left);
    text.put(" instead of ");
    put(difference.right);
    print("ptdump:   {:-14} {} to {} {:8} {}", region_of(difference.range.base), difference.range.base,
          difference.range.end() - Bytes{1}, difference.range.size, text.text());
}

} // namespace

u64 report_bad_mappings(PhysAddr root)
{
    u64 bad = 0;
    kDump.for_each_run(root, [&bad](const MappedRun& run) {
        if (!run.is_bad())
            return;
        ++bad;
        print("ptdump: error: {} to {} is {}", run.range.base, run.range.end() - Bytes{1},
              run.rights.user ? "open to user mode" : "writable and executable");
    });
    return bad;
}

void dump_page_tables()
{
    const mm::NoMerges no_table_is_freed;
    print("ptdump: cpu0 root {}", mm::cpu_root(kBootCpu));
    kDump.for_each_run(mm::cpu_root(kBootCpu), [](const MappedRun& run) { print_run(run); });
    u64 bad = report_bad_mappings(mm::master_root());
    for_each_online_cpu([&bad](CpuId cpu) {
        print("ptdump: cpu{} differs from the master in", cpu);
        kDump.for_each_difference(mm::cpu_root(cpu), mm::master_root(), print_difference);
        bad += report_bad_mappings(mm::cpu_root(cpu));
    });
    const mm::SetMemoryStatistics& changes = mm::set_memory_statistics;
    print("ptdump: set_memory() has split {} blocks; {} blocks and {} runs were merged back",
          changes.splits.load(std::memory_order_relaxed),
          changes.merged_blocks.load(std::memory_order_relaxed),
          changes.merged_runs.load(std::memory_order_relaxed));
    print("ptdump: {} errors", bad);
}

} // namespace percival
