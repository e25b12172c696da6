// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/ktap.hpp"

#include "kernel/lib/format.hpp"

namespace percival {
namespace {

template <class... Args>
void line(KtapWriter::Sink sink, FormatString<std::type_identity_t<Args>...> text, const Args&... args)
{
    std::array<char, 240> room;
    Writer out{room};
    format(out, text, args...);
    sink(out.text());
}

} // namespace

void KtapWriter::begin_run(u32 suites)
{
    line(sink_, "KTAP version 1");
    line(sink_, "1..{}", suites);
}

void KtapWriter::begin_empty_run(std::string_view reason)
{
    line(sink_, "KTAP version 1");
    line(sink_, "1..0 # SKIP {}", reason);
}

void KtapWriter::begin_suite(std::string_view name, u32 tests)
{
    test_number_ = 0;
    suite_failed_ = false;
    suite_ran_ = false;
    line(sink_, "  KTAP version 1");
    line(sink_, "  # Subtest: {}", name);
    line(sink_, "  1..{}", tests);
}

void KtapWriter::pass(std::string_view test)
{
    ++passed_;
    suite_ran_ = true;
    line(sink_, "  ok {} {}", ++test_number_, test);
}

void KtapWriter::fail(std::string_view test)
{
    ++failed_;
    suite_failed_ = true;
    suite_ran_ = true;
    line(sink_, "  not ok {} {}", ++test_number_, test);
}

void KtapWriter::skip(std::string_view test, std::string_view reason)
{
    ++skipped_;
    line(sink_, "  ok {} {} # SKIP {}", ++test_number_, test, reason);
}

void KtapWriter::end_suite(std::string_view name)
{
    line(sink_, "{} {} {}{}", suite_failed_ ? "not ok" : "ok", ++suite_number_, name,
         suite_ran_ ? "" : " # SKIP every test is skipped");
}

void KtapWriter::fail_outside(std::string_view test)
{
    ++failed_;
    line(sink_, "not ok {} {}", ++suite_number_, test);
}

void KtapWriter::end_run()
{
    line(sink_, "# Totals: pass:{} fail:{} skip:{}", passed_, failed_, skipped_);
}

void end_aborted_run(KtapWriter::Sink sink, KtapWriter::Place place, std::string_view suite,
                     std::string_view test, KtapAbort why)
{
    line(sink, "  not ok {} {} # {}", place.test, test, why == KtapAbort::Timeout ? "TIMEOUT" : "ERROR");
    line(sink, "not ok {} {}", place.suite, suite);
    line(sink, "Bail out! {}.{} did not come to its end", suite, test);
}

} // namespace percival
