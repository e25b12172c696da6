// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/selftest/selftest.hpp"

#include "kernel/lib/ktap.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/text.hpp"
#include "kernel/percpu/mode.hpp"
#include "kernel/report/watchdog.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel/selftest/selection.hpp"

#include <algorithm>
#include <atomic>

extern "C" const percival::Selftest* const __start_selftests[];
extern "C" const percival::Selftest* const __stop_selftests[];

namespace percival {
namespace {

// Further failures of a test are counted but not printed: a loop can fail a million times.
constexpr u32 kMaxFailuresPrinted = 20;

// What the test that runs says of itself, from any CPU.
struct Running {
    std::atomic<u32> failures{0};
    std::atomic<const char*> skip_reason{nullptr};
};
constinit Running running;

constinit SelftestList selected;

std::span<const Selftest* const> registered_tests()
{
    return {__start_selftests, __stop_selftests};
}

// Returns how many tests at the beginning of `tests` belong to the first one's suite.
std::size_t suite_size(std::span<const Selftest* const> tests)
{
    const std::string_view suite{tests.front()->suite};
    const auto end =
        std::find_if(tests.begin(), tests.end(), [&](const Selftest* test) { return suite != test->suite; });
    return static_cast<std::size_t>(end - tests.begin());
}

u32 count_suites(std::span<const Selftest* const> tests)
{
    u32 suites = 0;
    for (; !tests.empty(); tests = tests.subspan(suite_size(tests)))
        ++suites;
    return suites;
}

void run_test(KtapWriter& ktap, const Selftest& test, u32 timeout_seconds)
{
    running.failures.store(0, std::memory_order_relaxed);
    running.skip_reason.store(nullptr, std::memory_order_relaxed);
    begin_watched_test(test, ktap.next_place(), timeout_seconds);
    test.body();
    // Tests that switch roots rely on this: a CPU that ends up on another one's root is not noticed at once.
    EXPECT(current_thread().affinity == CpuSet::only(kBootCpu));
    end_watched_test();

    // Acquire: pairs with the release increments made on other CPUs.
    const u32 failures = running.failures.load(std::memory_order_acquire);
    if (failures > kMaxFailuresPrinted)
        print("  # {} failures, of which {} are printed", failures, kMaxFailuresPrinted);
    const char* const skip_reason = running.skip_reason.load(std::memory_order_relaxed);
    if (failures != 0)
        ktap.fail(test.name);
    else if (skip_reason != nullptr)
        ktap.skip(test.name, skip_reason);
    else
        ktap.pass(test.name);
}

void run_all(KtapWriter& ktap, std::span<const Selftest* const> tests, u32 timeout_seconds)
{
    while (!tests.empty()) {
        const std::span<const Selftest* const> suite = tests.first(suite_size(tests));
        const std::string_view name{suite.front()->suite};
        ktap.begin_suite(name, static_cast<u32>(suite.size()));
        for (const Selftest* test : suite)
            run_test(ktap, *test, timeout_seconds);
        ktap.end_suite(name);
        tests = tests.subspan(suite.size());
    }
}

// Calls run() once for each round.
template <class Run>
void for_each_round(const SelftestOptions& options, Run run)
{
    const auto repeat = [&] {
        for (u32 round = 0; round < options.repeat; ++round)
            run();
    };
    if (!options.in_every_mode)
        return repeat();
    for_each_percpu_mode([&](arch::PercpuMode mode) {
        print("# percpu: {}", name_of(mode));
        repeat();
    });
}

u32 count_rounds(const SelftestOptions& options)
{
    return options.repeat * (options.in_every_mode ? static_cast<u32>(percpu_modes().size()) : 1);
}

// Returns whether every pattern matches a test, and prints the patterns that match none.
bool all_globs_match(std::string_view globs, ManualTests manual)
{
    bool all_match = true;
    for (const std::string_view glob : ListItems{globs}) {
        const std::span<const Selftest* const> tests = registered_tests();
        if (std::any_of(tests.begin(), tests.end(),
                        [&](const Selftest* t) { return glob_selects(glob, *t, manual); }))
            continue;
        print("# no self-test matches \"{}\"", glob);
        all_match = false;
    }
    return all_match;
}

// Selects the tests. Returns false, and prints why, if they are not what the patterns ask for.
bool select(std::string_view globs, ManualTests manual)
{
    const bool all_fit = select_tests(registered_tests(), globs, manual, selected);
    if (!all_fit)
        print("# more than {} self-tests: some are left out", kMaxSelftests);
    const bool all_match = all_globs_match(globs, manual);
    if (selected.empty())
        print("# no self-test is selected");
    return all_fit && all_match && !selected.empty();
}

void count_failure(u32 so_far, selftest_detail::SourceLine place, std::string_view text)
{
    if (so_far < kMaxFailuresPrinted)
        print("  # {}:{}: {}", place.file, place.line, text);
}

} // namespace

Verdict run_selftests(const SelftestOptions& options)
{
    const ManualTests manual = options.list ? ManualTests::AsOthers : ManualTests::ByFullName;
    const bool selection_is_right = select(options.globs, manual);
    KtapWriter ktap{console_write_line};
    const u32 suites = options.list ? 0 : count_suites(selected.span()) * count_rounds(options);
    if (suites == 0 && selection_is_right)
        ktap.begin_empty_run(options.list ? "self-tests are listed, not run" : "the self-tests run 0 times");
    else
        ktap.begin_run(suites + (selection_is_right ? 0 : 1));
    if (options.list) {
        for (const Selftest* test : selected)
            print("# {}.{}{}", test->suite, test->name, test->manual ? " (manual)" : "");
    } else {
        for_each_round(options, [&] { run_all(ktap, selected.span(), options.timeout_seconds); });
        if (ktap.ran() == 0)
            print("# no self-test ran");
    }
    if (!selection_is_right)
        ktap.fail_outside("every_pattern_selects_tests");
    ktap.end_run();
    return ktap.failed() == 0 ? Verdict::Passed : Verdict::Failed;
}

bool selftest_detail::expect(bool holds, const char* expression, SourceLine place)
{
    if (holds) [[likely]]
        return true;
    std::array<char, 200> room;
    Writer text{room};
    format(text, "{} is false", expression);
    count_failure(running.failures.fetch_add(1, std::memory_order_release), place, text.text());
    return false;
}

bool selftest_detail::unequal(const char* left, const char* right, std::string_view left_value,
                              std::string_view right_value, SourceLine place)
{
    std::array<char, 200> room;
    Writer text{room};
    format(text, "{} is {}, {} is {}", left, left_value, right, right_value);
    count_failure(running.failures.fetch_add(1, std::memory_order_release), place, text.text());
    return false;
}

void selftest_detail::skip(const char* reason)
{
    running.skip_reason.store(reason, std::memory_order_relaxed);
}

} // namespace percival
