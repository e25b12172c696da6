// SPDX-License-Identifier: BSD-2-Clause
#include "boot/flat_tree/flat_tree_writer.hpp"

#include "kernel/device_tree/device_tree.hpp"
#include "kernel/device_tree/tree_format.hpp"
#include "kernel/lib/format.hpp"

#include <algorithm>

namespace percival::boot {
namespace {

using device_tree::kBeginNode, device_tree::kEnd, device_tree::kEndNode, device_tree::kLastCompatible;
using device_tree::kMagic, device_tree::kProperty, device_tree::kVersion;

constexpr std::size_t kHeader = kDeviceTreeHeaderBytes;
constexpr std::size_t kNoReservations = 16; // the end of the list alone

} // namespace

FlatTreeWriter::FlatTreeWriter(std::span<std::byte> room) : room_{room}
{
    for (std::size_t at = 0; at < kHeader + kNoReservations; ++at)
        put(std::byte{0});
    begin_node("");
}

void FlatTreeWriter::put(std::byte byte)
{
    fits_ = fits_ && used_ < room_.size();
    if (fits_)
        room_[used_++] = byte;
}

void FlatTreeWriter::put_cell(u32 value)
{
    for (u32 shift = 32; shift > 0; shift -= 8)
        put(static_cast<std::byte>(value >> (shift - 8)));
}

void FlatTreeWriter::put_text(std::string_view text)
{
    for (const char c : text)
        put(static_cast<std::byte>(c));
    put(std::byte{0});
}

void FlatTreeWriter::pad()
{
    while (fits_ && used_ % 4 != 0)
        put(std::byte{0});
}

void FlatTreeWriter::set_cell(std::size_t at, u32 value)
{
    for (std::size_t byte = 0; fits_ && byte < 4; ++byte)
        room_[at + byte] = static_cast<std::byte>(value >> (24 - 8 * byte));
}

u32 FlatTreeWriter::offset_of_name(std::string_view name)
{
    std::size_t at = 0;
    while (at < names_used_) {
        const std::string_view known{&names_[at]};
        if (known == name)
            return static_cast<u32>(at);
        at += known.size() + 1;
    }
    if (name.size() + 1 > kNames - names_used_) {
        fits_ = false;
        return 0;
    }
    std::ranges::copy(name, &names_[names_used_]);
    names_used_ += name.size();
    names_[names_used_++] = 0;
    return static_cast<u32>(at);
}

void FlatTreeWriter::begin_node(std::string_view name, std::optional<u64> unit)
{
    put_cell(kBeginNode);
    for (const char c : name)
        put(static_cast<std::byte>(c));
    if (unit) {
        put(std::byte{'@'});
        for_each_hex_digit(*unit, 1, [this](char digit) { put(static_cast<std::byte>(digit)); });
    }
    put(std::byte{0});
    pad();
}

void FlatTreeWriter::end_node()
{
    put_cell(kEndNode);
}

void FlatTreeWriter::begin_property(std::string_view name)
{
    put_cell(kProperty);
    length_at_ = used_;
    put_cell(0);
    put_cell(offset_of_name(name));
}

void FlatTreeWriter::end_property()
{
    set_cell(length_at_, static_cast<u32>(used_ - length_at_ - 8));
    pad();
}

void FlatTreeWriter::cell(std::string_view name, u32 value)
{
    begin_property(name);
    put_cell(value);
    end_property();
}

void FlatTreeWriter::number(std::string_view name, u64 value)
{
    begin_property(name);
    put_cells(value);
    end_property();
}

void FlatTreeWriter::text(std::string_view name, std::string_view value)
{
    begin_property(name);
    put_text(value);
    end_property();
}

void FlatTreeWriter::flag(std::string_view name)
{
    begin_property(name);
    end_property();
}

void FlatTreeWriter::put_cells(u64 value)
{
    put_cell(static_cast<u32>(value >> 32));
    put_cell(static_cast<u32>(value));
}

std::optional<std::size_t> FlatTreeWriter::finish()
{
    constexpr std::size_t kStructure = kHeader + kNoReservations;
    end_node();
    put_cell(kEnd);
    const std::size_t names_at = used_;
    for (std::size_t at = 0; at < names_used_; ++at)
        put(static_cast<std::byte>(names_[at]));
    if (!fits_)
        return std::nullopt;
    const std::size_t header[] = {kMagic,   used_,           kStructure, names_at,    kHeader,
                                  kVersion, kLastCompatible, 0,          names_used_, names_at - kStructure};
    for (std::size_t at = 0; at < std::size(header); ++at)
        set_cell(4 * at, static_cast<u32>(header[at]));
    return used_;
}

} // namespace percival::boot
