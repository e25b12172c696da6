// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of CPUs that map neighbouring pages.
#include "tests/host/support/cpus_on_one_root.hpp"

namespace percival::testing::interleaved {
namespace {

// All CPUs map neighbouring pages under tables that do not exist yet, and access them at once. Three CPUs
// must make one table; two CPUs must make all of them.
template <Without Missing, u32 Cpus>
struct Neighbours : World<Missing, Cpus> {
    explicit Neighbours(Explorer& e) : World<Missing, Cpus>{e}
    {
        if (Cpus == 3)
            this->require(this->engine.ensure_tables(this->page(0), G::kRootLevel).has_value(), "no table");
    }

    void run(u32 cpu)
    {
        this->require(this->map(cpu, this->memory(cpu)), "map failed");
        this->read(cpu, cpu, {this->memory(cpu)});
    }
    std::string verdict()
    {
        this->synchronize_all();
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            for (u32 n = 0; n < Cpus; ++n)
                this->read(cpu, n, {this->memory(n)});
        }
        this->require(this->env.taken == G::kLevels, "a table page was lost");
        return World<Missing, Cpus>::verdict();
    }
};

TEST(InterleavingTest, CpusMapNeighboursUnderMissingTables)
{
    expect_right<Neighbours<Without::Nothing, 2>>("2 CPUs map neighbours");
    expect_right<Neighbours<Without::Nothing, 3>>("3 CPUs map neighbours");
    expect_wrong<Neighbours<Without::CompareExchange, 2>>("a table is linked by a plain store");
    expect_wrong<Neighbours<Without::CompareExchange, 3>>("a table is linked by a plain store");
    expect_wrong<Neighbours<Without::Publish, 2>>("map() does not publish");
    expect_wrong<Neighbours<Without::PublishedZeroes, 2>>("a table is linked before its zeroes are visible");
}

// CPU 0 unmaps a page and frees its memory while CPU 1 maps the page beside it. A third CPU reads both.
template <Without Missing, u32 Cpus>
struct MapBesideUnmap : World<Missing, Cpus> {
    explicit MapBesideUnmap(Explorer& e) : World<Missing, Cpus>{e}
    {
        this->require(this->map(0, this->memory(0)), "map failed");
    }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            typename World<Missing, Cpus>::Batch batch{this->env};
            this->require(this->engine.unmap(this->page(0), batch).has_value(), "unmap failed");
            if (Missing != Without::Flush)
                batch.flush();
            this->machine.reuse_memory({this->memory(0), kPage});
        } else if (cpu == 1) {
            this->require(this->map(1, this->memory(1)), "map failed");
            this->read(1, 1, {this->memory(1)});
        } else {
            this->read(2, 0, {this->memory(0), std::nullopt});
            this->read(2, 1, {this->memory(1), std::nullopt});
        }
    }
    std::string verdict()
    {
        this->synchronize_all();
        for (u32 cpu = 0; cpu < Cpus; ++cpu) {
            this->read(cpu, 0, {std::nullopt});
            this->read(cpu, 1, {this->memory(1)});
        }
        return World<Missing, Cpus>::verdict();
    }
};

TEST(InterleavingTest, OneCpuMapsBesideAnUnmap)
{
    expect_right<MapBesideUnmap<Without::Nothing, 2>>("map beside unmap, 2 CPUs");
    expect_right<MapBesideUnmap<Without::Nothing, 3>>("map beside unmap, 3 CPUs");
    expect_wrong<MapBesideUnmap<Without::Flush, 2>>("memory is freed before the flush");
    expect_wrong<MapBesideUnmap<Without::Publish, 2>>("map() does not publish");
}

} // namespace
} // namespace percival::testing::interleaved
