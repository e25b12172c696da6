// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/probes/tlb_pairs.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/mmu/root_switch.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/probes/probe_row.hpp"
#include "kernel/wait/run_everywhere.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/percpu/percpu.hpp"
#include "mm/percpu/window.hpp"
#include "mm/roots/roots.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace percival {
namespace {

// Up to 15 pairs on 16 CPUs. On 512: bits 0 and 1, both, and 7 others.
constexpr std::size_t kMostDistances = 15;

// What a CPU's own reads saw beside each of the others, by the number of the distance.
struct PairsOfCpu {
    std::array<PairReads, kMostDistances> beside;
};
PERCIVAL_PERCPU PerCpu<PairsOfCpu> pairs_of_cpu{};

template <class Visit>
void for_each_distance(Visit visit)
{
    u32 number = 0;
    for (u32 at = 0; (at = next_pair_distance(at, possible_cpu_count())) != 0;)
        visit(number++, at);
}

std::optional<CpuId> partner(CpuId self, u32 distance)
{
    const CpuId other{self.index() ^ distance};
    if (other.index() >= possible_cpu_count() || !is_online(other))
        return {};
    return other;
}

// Is on another CPU's root for its lifetime. Interrupts masked.
class OnRootOf : Immovable {
public:
    explicit OnRootOf(CpuId other) { arch::install_root(mm::root_register(mm::cpu_root(other))); }
    ~OnRootOf() { arch::install_root(before_); }

private:
    arch::RootRegister before_{arch::RootRegister::read()};
};

void probe_pairs(u32 number, u32 distance, std::optional<CpuId> guest)
{
    start_tlb_probe();
    run_everywhere([=](CpuId self) {
        const auto other = partner(self, distance);
        if (!other)
            return;
        PairReads& reads = pairs_of_cpu.on(self).beside[number];
        const arch::InterruptMask masked;
        std::optional<OnRootOf> elsewhere;
        if (self == guest)
            elsewhere.emplace(kBootCpu);
        reads = reads_beside(self, *other);
    });
}

void print_row(CpuId self)
{
    std::array<char, kLineLength> beside_room, wrong_room;
    Writer beside{beside_room}, wrong{wrong_room};
    u32 least = ~u32{0};
    for_each_distance([&](u32 number, u32 distance) {
        const auto other = partner(self, distance);
        if (!other)
            return;
        const PairReads reads = pairs_of_cpu.on(self).beside[number];
        const std::string_view comma = beside.text().empty() ? "" : ",";
        format(beside, "{}{}", comma, *other);
        format(wrong, "{}{}", comma, reads.wrong);
        least = std::min(least, reads.made);
        if (reads.wrong != 0)
            print("probe: tlbs: NOT PRIVATE: cpu{} read another CPU's page beside cpu{}, {} of {} times",
                  self, *other, reads.wrong, reads.made);
    });
    print_probe_row("tlbs", [&](Writer& json) {
        format(json, ",\"cpu\":{},\"reads\":{},\"beside\":[{}],\"wrong\":[{}]", self, least, beside.text(),
               wrong.text());
    });
}

} // namespace

void read_in_pairs(bool shares_a_root)
{
    std::optional<CpuId> guest;
    for_each_online_cpu([&](CpuId cpu) {
        if (shares_a_root && !guest && cpu != kBootCpu)
            guest = cpu;
    });
    for_each_distance([guest](u32 number, u32 distance) { probe_pairs(number, distance, guest); });
}

PairReads reads_in_pairs(CpuId self)
{
    PairReads all;
    for_each_distance([&](u32 number, u32 distance) {
        if (!partner(self, distance))
            return;
        const PairReads reads = pairs_of_cpu.on(self).beside[number];
        all.made += reads.made;
        all.wrong += reads.wrong;
    });
    return all;
}

bool probe_tlb_pairs(bool shares_a_root)
{
    if (online_cpu_count() == 1) {
        print("probe: tlbs: not probed: there is one CPU");
        return true;
    }
    if (percpu::roots_are_common()) {
        print("probe: tlbs: not probed: all CPUs are on one root, so no address means different pages");
        return true;
    }
    if (possible_cpu_count() > kAllPairsUpTo)
        print(
            "probe: tlbs: of the pairs of {} CPUs, those are probed whose numbers differ in bits 0 and 1, or "
            "in one other bit",
            online_cpu_count());
    read_in_pairs(shares_a_root);
    bool all_well = true;
    for_each_online_cpu([&all_well](CpuId cpu) {
        print_row(cpu);
        all_well &= reads_in_pairs(cpu).wrong == 0;
    });
    return all_well;
}

} // namespace percival
