// SPDX-License-Identifier: BSD-2-Clause
// Formats text into a buffer of the caller, with `{}` as in std::format, which needs a hosted library.
//
//   {}      integers in decimal, strings, bool, char, CpuId, P:/V: addresses, Bytes in the largest exact
//           unit, and every type with a member describe(Writer&) const, which ignores the other forms
//   {:x}    integers in hexadecimal with 0x, a negative one as -0x1
//   {:8}    a minimum width, padded on the left with blanks;  {:-8} padded on the right;  {:016x} with zeros
//
// The number of arguments is checked against the format string at compile time. Formatting never allocates
// and never fails: text that does not fit is dropped, and Writer::truncated() says so. Any context; also on
// the host.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/types.hpp"

#include <array>
#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>

namespace percival {

class Writer {
public:
    constexpr explicit Writer(std::span<char> buffer) : buffer_{buffer} {}

    constexpr void put(char c)
    {
        if (used_ < buffer_.size())
            buffer_[used_++] = c;
        else
            truncated_ = true;
    }
    constexpr void put(std::string_view text)
    {
        for (char c : text)
            put(c);
    }
    constexpr std::string_view text() const { return {buffer_.data(), used_}; }
    constexpr bool truncated() const { return truncated_; }

private:
    std::span<char> buffer_;
    std::size_t used_{0};
    bool truncated_{false};
};

// Calls put(char) for each hexadecimal digit of the value, for at least so many digits; from 1 to 16. For
// code that runs before format() can, also with the MMU off.
template <class Put>
constexpr void for_each_hex_digit(u64 value, u32 at_least, Put put)
{
    u32 digits = 16;
    while (digits > at_least && value >> (4 * digits - 4) == 0)
        --digits;
    for (; digits > 0; --digits) {
        const char digit = static_cast<char>(value >> (4 * digits - 4) & 15);
        put(static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10));
    }
}

// Puts a number as 0x and its digits, for at least so many digits.
constexpr void put_hex(Writer& out, u64 value, u32 at_least)
{
    out.put("0x");
    for_each_hex_digit(value, at_least, [&out](char digit) { out.put(digit); });
}

// The part of a placeholder between the colon and the closing brace.
struct FormatSpec {
    bool hex{false};
    bool zero{false};
    bool left{false};
    u8 width{0};
};

namespace format_detail {

// One argument, its type erased to one of the few kinds that can be printed.
struct Argument {
    enum class Kind : u8 { Unsigned, Signed, Text, Character, Physical, Virtual, Size, Described };
    Kind kind;
    u64 value{0};
    std::string_view text{};
    const void* object{nullptr};
    void (*describe)(Writer&, const void*){nullptr}; // writes `object`
};

template <class T>
concept Describable = requires(const T& object, Writer& out) { object.describe(out); };

using Kind = Argument::Kind;

constexpr Argument argument(bool v)
{
    return {Kind::Text, 0, v ? "true" : "false"};
}
constexpr Argument argument(char v)
{
    return {Kind::Character, static_cast<u8>(v)};
}
constexpr Argument argument(std::string_view v)
{
    return {Kind::Text, 0, v};
}
constexpr Argument argument(const char* v)
{
    return {Kind::Text, 0, v};
}
// Any other pointer would silently become a bool. Print address_of(pointer) instead.
Argument argument(const volatile void* v) = delete;
constexpr Argument argument(PhysAddr v)
{
    return {Kind::Physical, v.raw()};
}
constexpr Argument argument(VirtAddr v)
{
    return {Kind::Virtual, v.raw()};
}
constexpr Argument argument(Bytes v)
{
    return {Kind::Size, v.count()};
}
constexpr Argument argument(CpuId v)
{
    return {Kind::Unsigned, v.index()};
}
template <std::unsigned_integral T>
constexpr Argument argument(T v)
{
    return {Kind::Unsigned, v};
}
template <std::signed_integral T>
constexpr Argument argument(T v)
{
    return {Kind::Signed, static_cast<u64>(static_cast<s64>(v))};
}
template <Describable T>
constexpr Argument argument(const T& v)
{
    return {.kind = Kind::Described, .object = &v, .describe = [](Writer& out, const void* object) {
                static_cast<const T*>(object)->describe(out);
            }};
}

// Not constexpr on purpose: a call during the check of a FormatString is the compile error.
void more_placeholders_than_arguments();
void more_arguments_than_placeholders();
void brace_not_closed();

} // namespace format_detail

template <class... Args>
class FormatString {
public:
    consteval FormatString(const char* text) : text_{text} // NOLINT(google-explicit-constructor)
    {
        std::size_t placeholders = 0;
        for (std::size_t i = 0; i < text_.size(); ++i) {
            if (text_[i] != '{')
                continue;
            if (text_.find('}', i) == std::string_view::npos)
                format_detail::brace_not_closed();
            ++placeholders;
        }
        if (placeholders > sizeof...(Args))
            format_detail::more_placeholders_than_arguments();
        if (placeholders < sizeof...(Args))
            format_detail::more_arguments_than_placeholders();
    }
    constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

// Interprets a format string. This is the only function that does, so that a call site is a few instructions
// long.
void format_arguments(Writer& out, std::string_view text, std::span<const format_detail::Argument> arguments);

template <class... Args>
void format(Writer& out, FormatString<std::type_identity_t<Args>...> text, const Args&... args)
{
    const std::array<format_detail::Argument, sizeof...(Args)> erased{format_detail::argument(args)...};
    format_arguments(out, text.text(), erased);
}

} // namespace percival
