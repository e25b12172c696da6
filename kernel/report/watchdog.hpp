// SPDX-License-Identifier: BSD-2-Clause
// The watchdog knows which self-test runs and how long it may take. A panic names that test, and a test that
// takes too long ends the run.
#pragma once

#include "kernel/lib/ktap.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

struct TestName {
    const char* suite;
    const char* name;
};

// Makes `test` the running test, with a time limit of patient_seconds() of `base_seconds`; 0 means no limit.
// `place` is where its result will stand in the report. Only one test runs at a time. `test` must live for
// ever.
void begin_watched_test(const TestName& test, KtapWriter::Place place, u32 base_seconds);

// Ends the test that begin_watched_test() began. Does not return if its time was up: another CPU then ends
// the run.
void end_watched_test();

// Returns the test that runs now, or null. Any context.
const TestName* current_test();

// Writes the result of the test that runs now, if one does: the run ends before the test. Any context.
void report_unfinished_test(KtapAbort why);

// Ends the run with Verdict::Hang if the running test has used up its time. Else kicks the machine's own
// watchdogs, if the run is well: it runs a test, or has printed something within the last minute. Called by
// the tick of every CPU, so that a test that hangs with the interrupts of its own CPU masked is found too.
// `period` is the time between two ticks of the calling CPU, in timer ticks. No more counts as passed since
// the look before: the counter of a virtual machine goes on while the host runs none of its CPUs.
void check_watchdog(u64 period);

} // namespace percival
