// SPDX-License-Identifier: BSD-2-Clause
// Writes test results as KTAP version 1, two levels deep: suites, and the tests in each.
//
// The caller reports events in order: begin_run; then per suite begin_suite, one result per test, end_suite;
// finally end_run. The writer numbers the results. One CPU at a time; also on the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival {

class KtapWriter {
public:
    using Sink = void (*)(std::string_view line);

    constexpr explicit KtapWriter(Sink sink) : sink_{sink} {}

    void begin_run(u32 suites);
    void begin_suite(std::string_view name, u32 tests);
    void pass(std::string_view test);
    void fail(std::string_view test);
    void skip(std::string_view test, std::string_view reason);
    // `name` is the name that was given to begin_suite. A suite is ok if none of its tests failed.
    void end_suite(std::string_view name);
    void end_run();

    u32 failed() const { return failed_; }
    // Returns the number of tests that ran, without skipped ones.
    u32 ran() const { return passed_ + failed_; }

private:
    Sink sink_;
    u32 suite_number_{0};
    u32 test_number_{0};
    bool suite_failed_{false};
    u32 passed_{0};
    u32 failed_{0};
    u32 skipped_{0};
};

} // namespace percival
