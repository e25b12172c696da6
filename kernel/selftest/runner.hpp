// SPDX-License-Identifier: BSD-2-Clause
// Runs the self-tests that the image contains. kernel/selftest/selftest.hpp says how to write one.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/report/verdict.hpp"
#include "kernel/report/watchdog.hpp"

#include <string_view>

namespace percival {

struct Selftest : TestName {
    void (*body)();
    bool manual; // runs only if its full name is given
};

struct SelftestOptions {
    std::string_view globs{"*"}; // separated by commas, matched against `suite.test`
    bool list{false};            // list the tests instead of running them
    u32 timeout_seconds{30};     // per test; 0: the watchdog is off
    u32 repeat{1};               // how often to run the selected tests
    bool in_every_mode{false};   // do all of that once in each mode of the this_cpu operations
};

// Runs the tests and reports on the console in KTAP version 1. Returns Failed if the report has a failure: a
// test failed, or a glob matches no test, which is a result of its own. So the verdict and a parser of the
// report agree; a run in which every test is skipped is no failure. Boot CPU only, once all CPUs are up.
Verdict run_selftests(const SelftestOptions& options);

} // namespace percival
