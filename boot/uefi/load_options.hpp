// SPDX-License-Identifier: BSD-2-Clause
// Turns UEFI's load options into boot arguments. Also on the host.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

namespace percival::boot::uefi {

// Writes the text of `options` to `room` as UTF-8 and returns its length in bytes. `options` are UTF-16 in
// little-endian order (UEFI 2.10, 3.1.3), with or without a zero at their end; what is behind a zero is not
// read. The error is a sentence: half of a code unit or of a surrogate pair, or a text too long for `room`.
std::expected<std::size_t, std::string_view> read_load_options(std::span<const std::byte> options,
                                                               std::span<char> room);

} // namespace percival::boot::uefi
