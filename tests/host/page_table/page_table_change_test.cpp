// SPDX-License-Identifier: BSD-2-Clause
// Tests how changes of descriptors are classified, and that the writer refuses the forbidden ones.
#include "tests/host/support/simulated_tables.hpp"

namespace percival::testing {
namespace {

using G = mm::Geometry4k48;
using mm::Change;
using Pte = SimulatedPte;

constexpr Level kBlockLevel{2};
constexpr PhysAddr kHere{0x4000'0000}, kThere{0x8000'0000};
constexpr Pte kLeaf = Pte::leaf(kHere, kBlockLevel, mm::kData);
constexpr Pte kRun = kLeaf.with_contiguous(true);
constexpr Pte kTable = Pte::table(kThere);

constexpr Change change(Pte old, Pte now)
{
    return mm::classify(old, now, kBlockLevel);
}

static_assert(change({}, {}) == Change::None);
static_assert(change({}, kLeaf) == Change::Fresh && change({}, kTable) == Change::Fresh);
static_assert(change(kLeaf, {}) == Change::Unmap && change(kTable, {}) == Change::Unmap);
static_assert(change(kLeaf, kLeaf) == Change::None && change(kTable, kTable) == Change::None);
static_assert(change(kLeaf, Pte::leaf(kHere, kBlockLevel, mm::kText)) == Change::Permission);
static_assert(change(kLeaf, Pte::leaf(kHere, kBlockLevel, mm::kDeviceRegisters)) == Change::NeedsBreak);
static_assert(change(kLeaf, Pte::leaf(kThere, kBlockLevel, mm::kData)) == Change::NeedsBreak);
static_assert(change(kTable, Pte::table(kHere)) == Change::NeedsBreak);
static_assert(change(kLeaf, kTable) == Change::Resize && change(kTable, kLeaf) == Change::Resize);
static_assert(change(kLeaf, kRun) == Change::Resize && change(kRun, kLeaf) == Change::Resize);
static_assert(change(kRun, Pte::leaf(kHere, kBlockLevel, mm::kText)) == Change::NeedsBreak);
static_assert(change(kRun, Pte::leaf(kHere, kBlockLevel, mm::kText).with_contiguous(true)) ==
              Change::NeedsBreak);

TEST(DescriptorWriterTest, RefusesAChangeThatNeedsABreakAndStoresNothing)
{
    Bench<G> bench;
    mm::DescriptorWriter<Pte, SimulatedTables<G>> writer{bench.env};
    Pte* slot = bench.env.table(bench.root);
    const Level root = G::kRootLevel;
    const PhysAddr table = *bench.env.allocate();
    writer.write(slot, Pte::table(table), root);
    EXPECT_THROW(writer.write(slot, Pte::table(*bench.env.allocate()), root), ForbiddenChange);
    EXPECT_EQ(mm::load_descriptor(slot).address().raw(), table.raw());
    writer.write(slot, Pte{}, root);
    EXPECT_EQ(mm::load_descriptor(slot).raw(), 0u);
}

} // namespace
} // namespace percival::testing
