// SPDX-License-Identifier: BSD-2-Clause
// A table of ACPI (ACPI Specification 6.5, 5.2) as bytes that may be damaged: a number that the table does
// not hold reads as 0. Little-endian, at any alignment. Any context, also on the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace percival::boot::acpi {

class TableBytes {
public:
    constexpr TableBytes() = default;
    constexpr explicit TableBytes(std::span<const std::byte> bytes) : bytes_{bytes} {}

    std::size_t size() const { return bytes_.size(); }
    bool has(std::size_t offset, std::size_t bytes) const
    {
        return offset <= size() && bytes <= size() - offset;
    }

    u64 number(std::size_t offset, std::size_t bytes) const
    {
        u64 value = 0;
        for (std::size_t at = bytes; has(offset, bytes) && at-- > 0;)
            value = value << 8 | std::to_integer<u64>(bytes_[offset + at]);
        return value;
    }
    u8 byte(std::size_t offset) const { return static_cast<u8>(number(offset, 1)); }
    u16 half(std::size_t offset) const { return static_cast<u16>(number(offset, 2)); }
    u32 word(std::size_t offset) const { return static_cast<u32>(number(offset, 4)); }
    u64 dword(std::size_t offset) const { return number(offset, 8); }

    // The bytes as text; empty if the table does not hold them.
    std::string_view text(std::size_t offset, std::size_t bytes) const
    {
        if (!has(offset, bytes))
            return {};
        // SAFETY: any object may be read as characters.
        return {reinterpret_cast<const char*>(bytes_.data() + offset), bytes};
    }

    // The name of a whole table.
    std::string_view signature() const { return text(0, 4); }

    TableBytes part(std::size_t offset, std::size_t bytes) const
    {
        return has(offset, bytes) ? TableBytes{bytes_.subspan(offset, bytes)} : TableBytes{};
    }

    // All bytes together are 0 modulo 256 in a whole table.
    bool sums_to_zero() const
    {
        u32 sum = 0;
        for (const std::byte byte : bytes_)
            sum += std::to_integer<u32>(byte);
        return sum % 256 == 0;
    }

private:
    std::span<const std::byte> bytes_{};
};

} // namespace percival::boot::acpi
