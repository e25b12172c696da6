// SPDX-License-Identifier: BSD-2-Clause
// Running the self-tests that the image contains. How a test is written: kernel/selftest/selftest.hpp.
#pragma once

#include "kernel/lib/types.hpp"
#include "kernel/report/verdict.hpp"
#include "kernel/report/watchdog.hpp"

#include <string_view>

namespace percival {

struct Selftest : TestName {
    void (*body)();
    bool manual; // runs only when its full name is given
};

struct SelftestOptions {
    std::string_view globs{"*"}; // against `suite.test`, separated by commas
    bool list{false};            // do not run them, list them
    u32 timeout_seconds{30};     // for each test; 0: the watchdog is off
    u32 repeat{1};               // how often to run them all
    bool in_every_mode{false};   // of the this_cpu operations: all of that once in each
};

// Runs the tests and reports on the console in KTAP version 1. Failed when a test failed, when a glob matches
// no test and when no test ran at all. Boot CPU, all CPUs up.
Verdict run_selftests(const SelftestOptions& options);

} // namespace percival
