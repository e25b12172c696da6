// SPDX-License-Identifier: BSD-2-Clause
// The fixture of tests that run the page-table engine on the simulated machine in every geometry.
#pragma once

#include "tests/host/support/simulated_tables.hpp"

namespace percival::testing {

// A bench, with the sizes and addresses of its geometry. At the end of a test nothing may be left unfinished,
// and no rule of the architecture may have been broken.
template <class G>
class EngineTest : public ::testing::Test {
protected:
    static constexpr Bytes kPage = G::kPageSize;
    static constexpr u64 kRun = G::contiguous_entries(mm::kLastLevel); // the number of pages in a run
    static constexpr Bytes kPageRun = kPage * kRun;
    static constexpr Level kBlockLevel{2};
    static constexpr Bytes kBlock = G::entry_size(kBlockLevel);
    static constexpr Bytes kBlockRun = kBlock * G::contiguous_entries(kBlockLevel);
    static constexpr VirtAddr kAt = kRegion<G>;

    explicit EngineTest(Tables tables = Tables::Private) : bench{tables} {}
    void TearDown() override { bench.expect_clean(); }

    Bench<G> bench;
};

// Gives a typed test of an EngineTest short names: in a typed test, names of the fixture depend on its
// parameter.
#define USE_ENGINE_TEST                                                      \
    [[maybe_unused]] constexpr Bytes kPage = TestFixture::kPage;             \
    [[maybe_unused]] constexpr u64 kRun = TestFixture::kRun;                 \
    [[maybe_unused]] constexpr Bytes kPageRun = TestFixture::kPageRun;       \
    [[maybe_unused]] constexpr Level kBlockLevel = TestFixture::kBlockLevel; \
    [[maybe_unused]] constexpr Bytes kBlock = TestFixture::kBlock;           \
    [[maybe_unused]] constexpr Bytes kBlockRun = TestFixture::kBlockRun;     \
    [[maybe_unused]] constexpr VirtAddr kAt = TestFixture::kAt;              \
    [[maybe_unused]] auto& bench = this->bench

} // namespace percival::testing
