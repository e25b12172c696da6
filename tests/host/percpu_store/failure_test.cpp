// SPDX-License-Identifier: BSD-2-Clause
// The percpu store where memory or addresses run out: each step that gets memory fails once. What an operation says
// then, and that it leaves nothing behind, is judged by the model (support/percpu_store_model.hpp) besides.
#include "mm/vmalloc/vm_region.hpp"
#include "support/percpu_store_run.hpp"

#include <gtest/gtest.h>

namespace percival::testing {
namespace {

using percpu::Error;
using percpu::Request;

constexpr PercpuStoreShape kShape{Bytes{20'004}, 8};
constexpr u64 kPagesOfLargest =
    (percpu::kMaxSize.count() + PercpuStoreMachine::kPage.count() - 1) / PercpuStoreMachine::kPage.count();

percpu::Request request_of(Bytes size)
{
    return *percpu::Request::of(size, Bytes{4}, PercpuStoreMachine::kPage);
}
const percpu::Request kLargest = request_of(percpu::kMaxSize);

// Whatever has memory is in use: there is no empty page, and the next one needs a chunk.
void use_up(PercpuStoreModel& model)
{
    for (Bytes size = percpu::kMaxSize; size >= Bytes{4}; size = Bytes{size.count() / 2}) {
        while (model.take(request_of(size), 32) != 0) {
        }
    }
}

// What chunks and objects are made of.
struct Resources {
    u64 pages;
    u64 chunks;
    u64 blocks;
    u64 areas;
    u64 notes;

    explicit Resources(PercpuStoreModel& model)
        : pages{model.machine().populated_pages()}, chunks{model.chunk_count()},
          blocks{model.machine().blocks()}, areas{mm::local_percpu_region().areas_in_use()},
          notes{PercpuStoreMachine::notes()}
    {
    }
};

// An operation, with memory running out at each of its steps in turn: how many steps it has.
class PercpuStoreFailure : public ::testing::TestWithParam<u64> {
protected:
    // Whether this step is one: else nothing has failed.
    template <class Operation>
    bool fails_at(PercpuStoreModel& model, u64 step, Operation operation)
    {
        model.machine().fail(step, GetParam());
        operation();
        const bool failed = model.machine().has_failed();
        model.machine().never_fail();
        model.check_statistics();
        return failed;
    }
};

TEST_P(PercpuStoreFailure, WhatNeedsAChunkLeavesNothingBehindButTheChunk)
{
    u64 step = 1;
    for (bool failed = true; failed; ++step) {
        PercpuStoreModel model{kShape};
        use_up(model);
        const Resources before{model};
        std::optional<percpu::Error> error;
        failed = fails_at(model, step, [&] { error = model.take_blocking(kLargest); });
        const Resources after{model};
        ASSERT_EQ(error, failed ? std::optional{percpu::Error::NoMemory} : std::nullopt);
        ASSERT_EQ(after.pages, before.pages + (failed ? 0 : kPagesOfLargest));
        // A chunk and all it is made of, or nothing.
        const u64 added = after.chunks - before.chunks;
        ASSERT_TRUE(added == 1 || (failed && added == 0));
        ASSERT_EQ(after.blocks, before.blocks + added);
        ASSERT_EQ(after.areas, before.areas + added);
        if (added == 0)
            ASSERT_EQ(after.notes, before.notes);
        ASSERT_EQ(model.take_blocking(kLargest), std::nullopt);
        model.finish();
        ASSERT_EQ(model.complaint(), "") << "step " << step;
    }
    // A note at least, the block, and each page; the last one did not fail.
    EXPECT_GE(step - 1, 1 + 1 + kPagesOfLargest + 1);
}

#if PERCIVAL_GRANULE_KIB == 4 // a unit has pages enough

// Pages that got memory before it failed keep it: they are empty ones.
TEST_P(PercpuStoreFailure, WhatLiesInPagesWithAndWithoutMemoryGivesItsPlaceBack)
{
    constexpr Bytes kPage = PercpuStoreMachine::kPage;
    constexpr u64 kPages = percpu::kUnit.count() / kPage.count();
    u64 step = 1;
    for (bool failed = true; failed; ++step) {
        PercpuStoreModel model{kShape};
        use_up(model);
        const std::size_t own = model.objects().size();
        for (u64 page = 0; page < kPages; ++page)
            ASSERT_EQ(model.take_blocking(request_of(kPage)), std::nullopt);
        // Page 6 stays until the worker has taken memory from pages on either side of it: 5, and 7 to 11.
        model.put(own + 7, 5);
        model.put(own + 1, 5);
        model.balance();
        model.put(own + 1, 1);
        const u64 pages = model.machine().populated_pages();
        // In pages 1 to 8: two runs have to get memory.
        failed = fails_at(model, step, [&] { model.take_blocking(kLargest); });
        ASSERT_EQ(model.machine().populated_pages() - pages, !failed ? 3u : step == 1 ? 0u : 1u);
        model.finish();
        ASSERT_EQ(model.complaint(), "") << "step " << step;
    }
    EXPECT_EQ(step - 1, 3u + 1);
}

#endif

// The model looks after each balance() whether what was missed is there.
TEST_P(PercpuStoreFailure, TheReserveIsFilledAndWhatWasMissedIsThereAtTheNextBalance)
{
    u64 step = 1;
    for (bool failed = true; failed; ++step) {
        PercpuStoreModel model{kShape};
        use_up(model);
        ASSERT_EQ(model.take(kLargest, 1), 0u);
        model.note_missed(kLargest);
        failed = fails_at(model, step, [&] { model.balance(); });
        const bool has_reserve = model.machine().empty_pages() != 0;
        ASSERT_TRUE(failed || model.objects().size() != 0);
        // Who still finds nothing says so again.
        if (failed && has_reserve)
            model.note_missed(kLargest);
        const std::size_t objects = model.objects().size();
        model.balance();
        ASSERT_EQ(model.objects().size(), objects + (failed ? 1 : 0));
        model.finish();
        ASSERT_EQ(model.complaint(), "") << "step " << step;
    }
    EXPECT_GE(step - 1, 1 + 1 + kPagesOfLargest + 1);
}

// In whatever state the store is: in one after the other, without a fresh start.
TEST_P(PercpuStoreFailure, AnyStepMayFailInAnyState)
{
    for (u64 seed = 0; seed < 20; ++seed) {
        PercpuStoreRun run{seed, kShape, false, 4096};
        for (u64 round = 0; round < 20; ++round) {
            for (u64 steps = 200 + run.choose(400); steps != 0; --steps)
                ASSERT_EQ(run.step(), "");
            PercpuStoreModel& model = run.model();
            const percpu::Request request =
                run.choose(2) == 0 ? kLargest : request_of(Bytes{1 + run.choose(8192)});
            u64 step = 0;
            while (fails_at(model, ++step, [&] { model.take_blocking(request); })) {
            }
            step = 0;
            do {
                if (model.take(request, 1) == 0)
                    model.note_missed(request);
            } while (fails_at(model, ++step, [&] { model.balance(); }));
            ASSERT_EQ(model.complaint(), "");
        }
        ASSERT_EQ(run.finish(), "");
    }
}

INSTANTIATE_TEST_SUITE_P(Steps, PercpuStoreFailure, ::testing::Values(1, ~u64{0}), [](const auto& instance) {
    return instance.param == 1 ? "one_step" : "that_step_and_all_after_it";
});

TEST(PercpuStoreAddresses, AreUsedUpSaidToBeAndComeBack)
{
    constexpr u64 kUnits = 511;
    constexpr u64 kPerChunk = percpu::kUnit.count() / percpu::kMaxSize.count();
    PercpuStoreModel model{{Bytes{20'004}, kUnits}};
    while (!model.take_blocking(kLargest) && model.complaint().empty()) {
    }
    EXPECT_EQ(model.chunk_count(), 1 + kUnits);
    EXPECT_GE(model.objects().size(), kPerChunk * kUnits);
    EXPECT_EQ(model.take_blocking(kLargest), percpu::Error::NoAddresses);
    model.check_statistics();
    // Nothing is spoilt: where there is room, it is given out.
    model.balance();
    EXPECT_EQ(model.take_blocking(request_of(Bytes{4})), std::nullopt);
    model.put(100, 1);
    EXPECT_EQ(model.take_blocking(kLargest), std::nullopt);
    EXPECT_EQ(model.take_blocking(kLargest), percpu::Error::NoAddresses);
    model.finish();
    EXPECT_EQ(model.complaint(), "");
}

} // namespace
} // namespace percival::testing
