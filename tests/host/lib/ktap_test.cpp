// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/ktap.hpp"

#include <gtest/gtest.h>

#include <string>

namespace percival {
namespace {

std::string report;

KtapWriter writer()
{
    report.clear();
    return KtapWriter{[](std::string_view line) { (report += line) += '\n'; }};
}

TEST(ktap, a_run_is_written_as_nested_ktap_version_1)
{
    KtapWriter ktap = writer();
    ktap.begin_run(2);
    ktap.begin_suite("alpha", 3);
    ktap.pass("adds");
    ktap.skip("divides", "no division here");
    ktap.fail("wraps");
    ktap.end_suite("alpha");
    ktap.begin_suite("beta", 1);
    ktap.pass("holds");
    ktap.end_suite("beta");
    ktap.end_run();
    EXPECT_EQ(report, "KTAP version 1\n"
                      "1..2\n"
                      "  KTAP version 1\n"
                      "  # Subtest: alpha\n"
                      "  1..3\n"
                      "  ok 1 adds\n"
                      "  ok 2 divides # SKIP no division here\n"
                      "  not ok 3 wraps\n"
                      "not ok 1 alpha\n"
                      "  KTAP version 1\n"
                      "  # Subtest: beta\n"
                      "  1..1\n"
                      "  ok 1 holds\n"
                      "ok 2 beta\n"
                      "# Totals: pass:2 fail:1 skip:1\n");
    EXPECT_EQ(ktap.failed(), 1u);
    EXPECT_EQ(ktap.ran(), 3u);
}

TEST(ktap, a_skipped_test_did_not_run)
{
    KtapWriter ktap = writer();
    ktap.begin_run(1);
    ktap.begin_suite("alpha", 1);
    ktap.skip("divides", "no division here");
    ktap.end_suite("alpha");
    ktap.end_run();
    EXPECT_EQ(ktap.ran(), 0u);
    EXPECT_EQ(ktap.failed(), 0u);
    EXPECT_NE(report.find("\nok 1 alpha # SKIP every test is skipped\n"), std::string::npos);
}

TEST(ktap, a_plan_of_no_tests_says_why)
{
    KtapWriter ktap = writer();
    ktap.begin_empty_run("the tests are listed");
    ktap.end_run();
    EXPECT_EQ(report, "KTAP version 1\n1..0 # SKIP the tests are listed\n# Totals: pass:0 fail:0 skip:0\n");
}

TEST(ktap, a_failure_outside_of_the_suites_is_a_result_and_counts)
{
    KtapWriter ktap = writer();
    ktap.begin_run(1);
    ktap.fail_outside("selection");
    ktap.end_run();
    EXPECT_EQ(report, "KTAP version 1\n1..1\nnot ok 1 selection\n# Totals: pass:0 fail:1 skip:0\n");
    EXPECT_EQ(ktap.failed(), 1u);
}

TEST(ktap, a_run_that_is_aborted_has_a_result_for_the_test_that_ran_and_for_its_suite)
{
    KtapWriter ktap = writer();
    ktap.begin_run(2);
    ktap.begin_suite("alpha", 1);
    ktap.pass("adds");
    ktap.end_suite("alpha");
    ktap.begin_suite("beta", 3);
    ktap.pass("holds");
    const KtapWriter::Sink sink = [](std::string_view line) { (report += line) += '\n'; };
    const std::size_t before = report.size();
    end_aborted_run(sink, ktap.next_place(), "beta", "hangs", KtapAbort::Timeout);
    end_aborted_run(sink, ktap.next_place(), "beta", "panics", KtapAbort::Error);
    EXPECT_EQ(report.substr(before), "  not ok 2 hangs # TIMEOUT\nnot ok 2 beta\n"
                                     "Bail out! beta.hangs did not come to its end\n"
                                     "  not ok 2 panics # ERROR\nnot ok 2 beta\n"
                                     "Bail out! beta.panics did not come to its end\n");
}

} // namespace
} // namespace percival
