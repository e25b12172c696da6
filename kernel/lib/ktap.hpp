// SPDX-License-Identifier: BSD-2-Clause
// Writes test results as KTAP version 1, two levels deep: suites, and the tests in each.
//
// The caller reports events in order: begin_run; then per suite begin_suite, one result per test, end_suite;
// finally end_run. The writer numbers the results. One CPU at a time; also on the host.
//
// A run that a panic or a hang ends has no result for the test that runs then. end_aborted_run() writes it,
// from the place that the writer has named before.
#pragma once

#include "kernel/lib/types.hpp"

#include <string_view>

namespace percival {

class KtapWriter {
public:
    using Sink = void (*)(std::string_view line);

    // The numbers of the result that comes next, and of its suite's.
    struct Place {
        u32 test;
        u32 suite;
    };

    constexpr explicit KtapWriter(Sink sink) : sink_{sink} {}

    // `suites` counts the results of the first level.
    void begin_run(u32 suites);
    // Begins a run without any test. A bare plan of nothing would not say why.
    void begin_empty_run(std::string_view reason);
    void begin_suite(std::string_view name, u32 tests);
    void pass(std::string_view test);
    void fail(std::string_view test);
    void skip(std::string_view test, std::string_view reason);
    // `name` is the name that was given to begin_suite. A suite is ok if none of its tests failed, and
    // skipped if all of them are.
    void end_suite(std::string_view name);
    // Writes a failed result of the first level, outside of any suite.
    void fail_outside(std::string_view test);
    void end_run();

    Place next_place() const { return {test_number_ + 1, suite_number_ + 1}; }
    u32 failed() const { return failed_; }
    // Returns the number of tests that ran, without skipped ones.
    u32 ran() const { return passed_ + failed_; }

private:
    Sink sink_;
    u32 suite_number_{0};
    u32 test_number_{0};
    bool suite_failed_{false};
    bool suite_ran_{false};
    u32 passed_{0};
    u32 failed_{0};
    u32 skipped_{0};
};

// How the test that runs came to its end, if not by itself: KTAP's directives TIMEOUT and ERROR.
enum class KtapAbort : u8 { Timeout, Error };

// Writes the results of the test that was running and of its suite, which failed, and TAP's line for a run
// that is given up. Nothing follows. Any context.
void end_aborted_run(KtapWriter::Sink sink, KtapWriter::Place place, std::string_view suite,
                     std::string_view test, KtapAbort why);

} // namespace percival
