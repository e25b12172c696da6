// SPDX-License-Identifier: BSD-2-Clause
// Part of each host program that is built with mutants: writes which mutants each test reaches, and the CPU
// time that the test takes, to the file that PERCIVAL_REACHED names. A line is `test microseconds number...`.
#include "tests/mutants/runtime/mutation.hpp"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/mman.h>

namespace percival::mutation {
namespace {

// Shares the marks with processes that are forked later: those of death tests. What was marked before, by
// initializers, is forgotten.
void share_marks()
{
    void* const marks = const_cast<unsigned char*>(state.reached);
    if (mmap(marks, sizeof state.reached, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) != marks)
        std::abort();
}

class Reach : public ::testing::EmptyTestEventListener {
public:
    explicit Reach(const char* path) : file_{path} {}

    void OnTestStart(const ::testing::TestInfo&) override
    {
        for (volatile unsigned char& mark : state.reached)
            mark = 0;
        begin_ = std::clock();
    }

    void OnTestEnd(const ::testing::TestInfo& test) override
    {
        static_assert(CLOCKS_PER_SEC == 1'000'000);
        file_ << test.test_suite_name() << '.' << test.name() << ' ' << std::clock() - begin_;
        for (unsigned number = 0; number < kMaxMutants; ++number)
            if (state.reached[number] != 0)
                file_ << ' ' << number;
        file_ << '\n' << std::flush;
    }

private:
    std::ofstream file_;
    std::clock_t begin_ = 0;
};

// Adds the listener before main() runs.
struct Start {
    Start()
    {
        const char* const path = std::getenv("PERCIVAL_REACHED"); // NOLINT(concurrency-mt-unsafe)
        if (path == nullptr)
            return;
        share_marks();
        ::testing::UnitTest::GetInstance()->listeners().Append(new Reach{path});
    }
};
const Start start;

} // namespace
} // namespace percival::mutation
