// SPDX-License-Identifier: BSD-2-Clause
// What the tests of set_memory() share: changes on the simulated machine, with tables set aside.
#pragma once

#include "mm/set_memory/memory_editor.hpp"
#include "mm/set_memory/table_stock.hpp"
#include "tests/host/support/engine_test.hpp"

namespace percival::testing {

// Two CPUs whose leaves change their size live, with memory from kMemory on mapped at kAt.
template <class G>
class SetMemoryBed : public EngineTest<G> {
protected:
    using EngineTest<G>::bench;
    using EngineTest<G>::kAt;
    using Breaks = mm::Breaks;
    using Change = mm::MemoryChange;
    using Error = mm::SetMemoryError;
    using Result = std::expected<void, Error>;
    using Stock = mm::TableStock<G, SimulatedTables<G>>;
    using Tables = mm::StockedTables<G, SimulatedPte, SimulatedTables<G>>;

    SetMemoryBed() : EngineTest<G>{mm::Tables::Shared} { bench.machine.set_resizes_live(true); }

    void map(Bytes size, Attributes attributes = mm::kData, Leaves leaves = Leaves::Largest)
    {
        EXPECT_TRUE(bench.engine.map({kAt, size}, kMemory, attributes, leaves).has_value());
    }
    // Makes a change with `tables` tables set aside.
    Result change(VirtRange range, Change what, Breaks breaks = Breaks::Never, u64 tables = mm::kMaxSplits<G>)
    {
        Stock stock{bench.env};
        EXPECT_TRUE(stock.fill(tables));
        Tables env{stock};
        return mm::MemoryEditor<G, SimulatedPte, Tables>{bench.root, env, breaks}.change(range, what);
    }
    void expect_change(VirtRange range, Change what, Breaks breaks = Breaks::Never)
    {
        EXPECT_TRUE(change(range, what, breaks).has_value());
        bench.expect_clean();
    }
    void expect_error(Error error, VirtRange range, Change what, Breaks breaks = Breaks::Never)
    {
        const Result result = change(range, what, breaks);
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(static_cast<int>(result.error()), static_cast<int>(error));
    }
    // Expects that `address` has its memory, with `attributes`.
    void expect(VirtAddr address, Attributes attributes)
    {
        bench.expect(address, kMemory + (address - kAt), attributes);
    }
};

} // namespace percival::testing
