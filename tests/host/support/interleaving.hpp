// SPDX-License-Identifier: BSD-2-Clause
// What the tests share that try all interleavings of a few CPUs: their machine, and what is expected
// of a scenario (support/explorer.hpp). Each is accompanied by broken ones, a step left out or moved, which
// must be found: what is never found wrong shows nothing.
#pragma once

#include "support/explorer.hpp"
#include "support/simulated_tables.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace percival::testing::interleaved {

using G = mm::Geometry4k39; // three levels: two tables on the way to a page
using Machine = SimulatedMachine<G>;
inline constexpr Bytes kPage = G::kPageSize;

// What a broken scenario leaves out.
enum class Without {
    Nothing,
    CompareExchange, // in link()
    Publish,         // at the end of map()
    PublishedZeroes, // in a new table
    Flush,           // before memory is reused
    HandOver,        // of the list of what is to be flushed
    Lock,            // in sync()
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
