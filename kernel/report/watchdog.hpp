// SPDX-License-Identifier: BSD-2-Clause
// Which self-test runs, and how long it may: a panic names it, and a test that takes too long ends the run.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival {

struct TestName {
    const char* suite;
    const char* name;
};

// Makes `test` the one that runs and gives it `timeout_seconds`; 0: as long as it likes. One at a time;
// `test` lives for ever.
void begin_watched_test(const TestName& test, u32 timeout_seconds);

// Ends what begin_watched_test() began. Does not return if the test's time was up: another CPU ends the run.
void end_watched_test();

// The test that runs now, or null. Any context.
const TestName* current_test();

// Ends the run with Verdict::Hang when the running test has used up its time. For the tick's handler, on
// every CPU, so that a test that hangs with its own CPU's interrupts masked is found too.
void check_watchdog();

} // namespace percival
