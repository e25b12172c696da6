// SPDX-License-Identifier: BSD-2-Clause
// Shared by the tests that explore all interleavings of a few CPUs: their machine, and what they expect of a
// scenario (support/explorer.hpp). Each correct scenario has broken variants, in which a step is left out or
// moved. The explorer must find these, because a scenario that is never found wrong proves nothing.
#pragma once

#include "support/explorer.hpp"
#include "support/simulated_tables.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace percival::testing::interleaved {

using G = mm::Geometry4k39; // three levels: two tables on the way to a page
using Machine = SimulatedMachine<G>;
inline constexpr Bytes kPage = G::kPageSize;

// The step that a broken scenario leaves out.
enum class Without {
    Nothing,
    CompareExchange, // in link()
    Publish,         // at the end of map()
    PublishedZeroes, // in a new table
    Flush,           // before memory is reused
    Lock,            // in sync()
    Readers,         // waiting for software walkers before a table is freed
    Extent,          // leaving tables that serve others, when empty tables are freed
};

template <class Scenario>
void expect_right(const char* name)
{
    const Explored explored = Explorer{}.explore<Scenario>();
    EXPECT_EQ(explored.failure, "");
    std::printf("%s: %llu schedules\n", name, static_cast<unsigned long long>(explored.schedules));
}
template <class Scenario>
void expect_wrong(const char* name)
{
    const Explored explored = Explorer{}.explore<Scenario>();
    EXPECT_NE(explored.failure, "") << name;
    EXPECT_NE(explored.failure, "too many schedules") << name;
    std::printf("%s: wrong in schedule %llu: %s\n", name, static_cast<unsigned long long>(explored.schedules),
                explored.failure.c_str());
}

} // namespace percival::testing::interleaved
