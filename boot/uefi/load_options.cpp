// SPDX-License-Identifier: BSD-2-Clause
// Runs before boot services end, at the address to which the firmware loaded the image (boot/uefi/stub.cpp).
#include "boot/uefi/load_options.hpp"

#include "kernel/lib/types.hpp"

namespace percival::boot::uefi {
namespace {

constexpr bool is_high_surrogate(u32 unit)
{
    return unit >> 10 == 0xd800 >> 10;
}

constexpr bool is_low_surrogate(u32 unit)
{
    return unit >> 10 == 0xdc00 >> 10;
}

// UTF-8 of one character.
class Encoded {
public:
    explicit constexpr Encoded(u32 character)
    {
        if (character < 0x80) {
            put(character);
            return;
        }
        const u32 more = character < 0x800 ? 1 : character < 0x1'0000 ? 2 : 3; // bytes behind the first
        const u32 mark = 0xff00u >> (more + 1) & 0xff;
        put(mark | character >> 6 * more);
        for (u32 left = more; left-- > 0;)
            put(0x80 | (character >> 6 * left & 0x3f));
    }
    constexpr std::span<const char> bytes() const { return {bytes_, size_}; }

private:
    constexpr void put(u32 byte) { bytes_[size_++] = static_cast<char>(byte); }

    char bytes_[4]{};
    std::size_t size_{0};
};

} // namespace

std::expected<std::size_t, std::string_view> read_load_options(std::span<const std::byte> options,
                                                               std::span<char> room)
{
    if (options.size() % 2 != 0)
        return std::unexpected("the load options end in the middle of a character");
    const std::size_t units = options.size() / 2;
    // Byte by byte, because the options need not be aligned.
    const auto unit = [options](std::size_t at) {
        return std::to_integer<u32>(options[2 * at]) | std::to_integer<u32>(options[2 * at + 1]) << 8;
    };
    std::size_t used = 0;
    for (std::size_t at = 0; at < units && unit(at) != 0; ++at) {
        u32 character = unit(at);
        if (is_high_surrogate(character)) {
            if (at + 1 == units || !is_low_surrogate(unit(at + 1)))
                return std::unexpected("the load options have half of a surrogate pair");
            character = 0x1'0000 + ((character & 0x3ff) << 10) + (unit(++at) & 0x3ff);
        } else if (is_low_surrogate(character)) {
            return std::unexpected("the load options have half of a surrogate pair");
        }
        const Encoded encoded{character};
        if (encoded.bytes().size() > room.size() - used)
            return std::unexpected("the load options are longer than the 2048 bytes of boot arguments");
        for (char byte : encoded.bytes())
            room[used++] = byte;
    }
    return used;
}

} // namespace percival::boot::uefi
