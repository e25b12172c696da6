// SPDX-License-Identifier: BSD-2-Clause
// Tests that run inside the kernel. A definition like this one, anywhere in the image, adds a test:
//
//     PERCIVAL_TEST(percpu, the_same_address_holds_a_value_per_cpu)
//     {
//         EXPECT_EQ(counter.read(), 3u);
//     }
//
// A name states the property that the test checks. A test leaves the kernel as it found it, so every test can
// run twice in a row. Tests run one after the other, on the boot CPU, with interrupts unmasked. Expectations
// may be used in any context and on any CPU until the test's body returns. A test that starts work elsewhere
// waits for its end.
#pragma once

#include "kernel/selftest/runner.hpp"
#include "kernel/selftest/values.hpp"

namespace percival {

namespace selftest_detail {

struct SourceLine {
    const char* file;
    unsigned line;
};

// expect(), unequal() and expect_equal() return whether the expectation holds.
bool expect(bool holds, const char* expression, SourceLine place);
bool unequal(const char* left, const char* right, std::string_view left_value, std::string_view right_value,
             SourceLine place);
void skip(const char* reason);

template <class L, class R>
bool expect_equal(const L& left, const R& right, const char* left_text, const char* right_text,
                  SourceLine place)
{
    if (equal(left, right)) [[likely]]
        return true;
    std::array<char, 64> left_room;
    std::array<char, 64> right_room;
    Writer left_value{left_room};
    Writer right_value{right_room};
    put_value(left_value, left);
    put_value(right_value, right);
    return unequal(left_text, right_text, left_value.text(), right_value.text(), place);
}

} // namespace selftest_detail
} // namespace percival

#define PERCIVAL_TEST(suite, name) PERCIVAL_TEST_DEFINE(suite, name, false)
#define PERCIVAL_TEST_MANUAL(suite, name) PERCIVAL_TEST_DEFINE(suite, name, true)

// The linker defines the bounds of the section as __start_selftests and __stop_selftests. The section holds
// pointers, so that the size and alignment of the structure do not matter for it being an array.
#define PERCIVAL_TEST_DEFINE(suite, name, manual)                                                          \
    static void selftest_##suite##_##name();                                                               \
    static constinit const ::percival::Selftest selftest_entry_##suite##_##name{                           \
        {#suite, #name}, &selftest_##suite##_##name, manual};                                              \
    static_assert(sizeof(#suite #name) < 120, "too long for a line of the report");                        \
    [[gnu::section("selftests"), gnu::used,                                                                \
      gnu::retain]] static constinit const ::percival::Selftest* const selftest_pointer_##suite##_##name = \
        &selftest_entry_##suite##_##name;                                                                  \
    static void selftest_##suite##_##name()

#define PERCIVAL_HERE (::percival::selftest_detail::SourceLine{__FILE_NAME__, __LINE__})

// Records a failure if the expectation does not hold; the test goes on. The value is whether it holds.
#define EXPECT(...) \
    ::percival::selftest_detail::expect(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, PERCIVAL_HERE)
#define EXPECT_EQ(left, right) \
    ::percival::selftest_detail::expect_equal(left, right, #left, #right, PERCIVAL_HERE)

// As EXPECT, but also returns from the enclosing void function if the expectation does not hold.
#define ASSERT(...)               \
    do {                          \
        if (!EXPECT(__VA_ARGS__)) \
            return;               \
    } while (false)
#define ASSERT_EQ(left, right)       \
    do {                             \
        if (!EXPECT_EQ(left, right)) \
            return;                  \
    } while (false)

// Skips the test, because this machine cannot show the property. `reason` is a string literal.
#define SKIP(reason)                                  \
    do {                                              \
        ::percival::selftest_detail::skip("" reason); \
        return;                                       \
    } while (false)
