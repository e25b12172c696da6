// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/lib/format.hpp"

#include "kernel/lib/text.hpp"

namespace percival {
namespace {

using format_detail::Argument;
using format_detail::Kind;

// A 64-bit number has at most 20 decimal digits.
using Digits = std::array<char, 24>;

std::string_view digits_of(Digits& room, u64 value, unsigned base)
{
    std::size_t at = room.size();
    do {
        room[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    return {room.data() + at, room.size() - at};
}

void pad(Writer& out, char with, std::size_t used, std::size_t width)
{
    for (; used < width; ++used)
        out.put(with);
}

void put_padded(Writer& out, const FormatSpec& spec, std::string_view prefix, std::string_view body)
{
    const std::size_t used = prefix.size() + body.size();
    if (!spec.left && !spec.zero)
        pad(out, ' ', used, spec.width);
    out.put(prefix);
    if (!spec.left && spec.zero)
        pad(out, '0', used, spec.width);
    out.put(body);
    if (spec.left)
        pad(out, ' ', used, spec.width);
}

void put_size(Writer& out, const FormatSpec& spec, u64 bytes)
{
    // Characters instead of strings: an array of pointers would need relocation before anything can be
    // printed.
    static constexpr char kUnits[] = {'B', 'K', 'M', 'G', 'T'};
    std::size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < std::size(kUnits)) {
        bytes /= 1024;
        ++unit;
    }
    std::array<char, 32> room;
    Writer text{room};
    Digits digits;
    text.put(digits_of(digits, bytes, 10));
    text.put(' ');
    text.put(kUnits[unit]);
    if (unit != 0)
        text.put("iB");
    put_padded(out, spec, "", text.text());
}

void put_argument(Writer& out, const FormatSpec& spec, const Argument& argument)
{
    Digits room;
    switch (argument.kind) {
    case Kind::Unsigned:
        return put_padded(out, spec, spec.hex ? "0x" : "",
                          digits_of(room, argument.value, spec.hex ? 16 : 10));
    case Kind::Signed: {
        const bool negative = static_cast<s64>(argument.value) < 0;
        const u64 magnitude = negative ? 0 - argument.value : argument.value;
        if (spec.hex)
            return put_padded(out, spec, negative ? "-0x" : "0x", digits_of(room, magnitude, 16));
        return put_padded(out, spec, negative ? "-" : "", digits_of(room, magnitude, 10));
    }
    case Kind::Text:
        return put_padded(out, spec, "", argument.text);
    case Kind::Character: {
        const char c = static_cast<char>(argument.value);
        return put_padded(out, spec, "", {&c, 1});
    }
    case Kind::Physical:
        return put_padded(out, spec, "P:0x", digits_of(room, argument.value, 16));
    case Kind::Virtual:
        return put_padded(out, spec, "V:0x", digits_of(room, argument.value, 16));
    case Kind::Size:
        return put_size(out, spec, argument.value);
    case Kind::Described:
        return argument.describe(out, argument.object);
    }
}

FormatSpec parse_spec(std::string_view text)
{
    FormatSpec spec;
    for (char c : text) {
        if (c == 'x')
            spec.hex = true;
        else if (c == '-')
            spec.left = true;
        else if (c == '0' && spec.width == 0)
            spec.zero = true;
        else if (c >= '0' && c <= '9')
            spec.width = static_cast<u8>(spec.width * 10 + (c - '0'));
    }
    return spec;
}

} // namespace

void format_arguments(Writer& out, std::string_view text, std::span<const Argument> arguments)
{
    std::size_t next = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '{') {
            out.put(text[i]);
            continue;
        }
        const std::size_t close = text.find('}', i);
        put_argument(out, parse_spec(slice(text, i + 1, close - i - 1)), arguments[next++]);
        i = close;
    }
}

} // namespace percival
