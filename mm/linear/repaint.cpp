// SPDX-License-Identifier: BSD-2-Clause
#include "mm/linear/repaint.hpp"

#include "arch/cpu/processor.hpp"
#include "arch/devices/timer.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/wait/linear_tables_stay.hpp"
#include "kernel/wait/others_off_roots.hpp"
#include "mm/image/image.hpp"
#include "mm/kernel_map/linear_map.hpp"
#include "mm/page_table/page_painter.hpp"
#include "mm/roots/linear_tables.hpp"
#include "mm/vmalloc/vmalloc.hpp"

#include <array>
#include <span>

namespace percival::mm {
namespace {

// While the calling CPU alone walks the tree, because all others are off their roots (arch/mmu/off_root.hpp),
// leaves may change their size live if this CPU allows it, whatever the others allow.
class TablesOfOneCpu : public LinearTables {
public:
    static bool resizes_live() { return true; }
};

using Painter = PagePainter<KernelGeometry, arch::Pte, TablesOfOneCpu>;

// The linear map without the image's alias. No leaf reaches past both ends of the alias: its parts are mapped
// separately.
std::array<VirtRange, 2> parts_to_paint()
{
    const VirtRange all = linear_region();
    const VirtAddr from = linear_address(image_in_memory().base);
    const VirtAddr to = linear_address(image_in_memory().end());
    return {{{all.base, from - all.base}, {to, all.end() - to}}};
}

// The tables for one part, each for one block. Their addresses are in memory of their own while they exist.
class PreparedPart : Immovable {
public:
    ~PreparedPart() { vfree(tables_.data()); }

    std::expected<void, MapError> prepare(Painter& painter, VirtRange part)
    {
        part_ = painter.whole_leaves(part);
        const u64 count = painter.count_blocks(part_);
        if (count == 0)
            return {};
        const auto tables = vmalloc(Bytes{count * sizeof(PhysAddr)});
        if (!tables)
            return std::unexpected{MapError::NoMemory};
        tables_ = {new (*tables) PhysAddr[count], count};
        const auto prepared = painter.prepare(part_, tables_);
        is_prepared_ = prepared.has_value();
        return prepared;
    }
    void discard(Painter& painter)
    {
        if (is_prepared_)
            painter.discard(part_, tables_);
    }
    void paint(Painter& painter, Painter::Batch& batch) { painter.paint(part_, tables_, batch); }
    u64 blocks() const { return tables_.size(); }

private:
    VirtRange part_{};
    std::span<PhysAddr> tables_{};
    bool is_prepared_{false};
};

} // namespace

std::expected<Repaint, MapError> repaint_linear_map()
{
    if (linear_leaves == Leaves::Pages)
        return Repaint{};
    const LinearTablesStay stay;
    TablesOfOneCpu tables;
    Painter painter{master_root(), tables};
    std::array<PreparedPart, 2> parts;
    const auto ranges = parts_to_paint();
    for (std::size_t n = 0; n < parts.size(); ++n) {
        if (const auto prepared = parts[n].prepare(painter, ranges[n]); !prepared) {
            for (PreparedPart& part : parts)
                part.discard(painter);
            return std::unexpected{prepared.error()};
        }
    }
    Repaint cost{.blocks = parts[0].blocks() + parts[1].blocks()};
    const u64 invalidations = tlb_statistics.invalidations.load(std::memory_order_relaxed);
    {
        const OthersOffRoots held;
        const u64 before = arch::timer_ticks();
        const arch::InterruptMask masked;
        Painter::Batch batch{tables};
        for (PreparedPart& part : parts)
            part.paint(painter, batch);
        linear_leaves = Leaves::Pages;
        cost.held_ticks = arch::timer_ticks() - before;
    }
    cost.invalidations = tlb_statistics.invalidations.load(std::memory_order_relaxed) - invalidations;
    return cost;
}

} // namespace percival::mm
