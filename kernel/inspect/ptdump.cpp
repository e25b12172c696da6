// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/inspect/ptdump.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "mm/address_space/fold.hpp"
#include "mm/roots/roots.hpp"
#include "mm/set_memory/set_memory.hpp"

namespace percival {
namespace {

using mm::Difference;
using mm::MappedRun;

constexpr KernelTableDump kDump{TableAt{}};

// The rights as four characters.
class RightsText {
public:
    explicit RightsText(mm::Rights rights)
        : characters_{'r', rights.writable ? 'w' : '-', rights.executable ? 'x' : '-',
                      rights.user ? 'u' : '-'}
    {
    }
    std::string_view text() const { return {characters_.data(), characters_.size()}; }

private:
    std::array<char, 4> characters_;
};

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
    print("ptdump: {:-14} {} to {} {:8} {} level {} {:-14} {} {}", region_of(run.range.base), run.range.base,
          run.range.end() - Bytes{1}, run.range.size, run.to, run.level.number(), leaf_name(run),
          RightsText{run.rights}.text(),
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

void print_flaws(const mm::MappingAudit& audit)
{
    for (const mm::FlawedMapping& flawed : audit.first)
        print("ptdump: error: {} to {} ({} {}, root {}) is {}", flawed.range.base,
              flawed.range.end() - Bytes{1}, flawed.to, RightsText{flawed.rights}.text(), flawed.root,
              name_of(flawed.flaw));
    if (audit.flaws > audit.first.size())
        print("ptdump: and {} errors more", audit.flaws - audit.first.size());
}

void dump_page_tables()
{
    const LinearTablesStay stay;
    print("ptdump: cpu0 root {}", mm::cpu_root(kBootCpu));
    kDump.for_each_run(mm::cpu_root(kBootCpu), [](const MappedRun& run) { print_run(run); });
    for_each_online_cpu([](CpuId cpu) {
        print("ptdump: cpu{} differs from the master in", cpu);
        kDump.for_each_difference(mm::cpu_root(cpu), mm::master_root(), print_difference);
    });
    const mm::SetMemoryStatistics& changes = mm::set_memory_statistics;
    print("ptdump: set_memory() has split {} blocks; {} blocks and {} runs were merged back",
          changes.splits.load(std::memory_order_relaxed),
          changes.merged_blocks.load(std::memory_order_relaxed),
          changes.merged_runs.load(std::memory_order_relaxed));
    const mm::MappingAudit audit = mm::audit_mappings();
    print_flaws(audit);
    print("ptdump: {} errors in {} runs of mappings", audit.flaws, audit.runs);
}

} // namespace percival
