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
    EXPECT_NE(report.find("\nok 1 alpha\n"), std::string::npos);
}

} // namespace
} // namespace percival
