// SPDX-License-Identifier: BSD-2-Clause
// Tests the writer of device trees with libfdt as the reader.
#include "boot/flat_tree/flat_tree_writer.hpp"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <memory>
#include <string>

namespace percival::boot {
namespace {

std::optional<std::size_t> write(std::span<std::byte> room)
{
    FlatTreeWriter tree{room};
    tree.cell("#address-cells", 2);
    tree.text("model", "of a test");
    tree.begin_node("a", 0x1'0000'00ab);
    tree.flag("flag");
    tree.text("model", "x");
    tree.begin_node("b");
    tree.begin_property("reg");
    tree.put_cells(0x0123'4567'89ab'cdef);
    tree.put_cells(1);
    tree.end_property();
    tree.end_node();
    tree.end_node();
    tree.begin_node("c", 0);
    tree.end_node();
    return tree.finish();
}

TEST(FlatTreeWriter, libfdt_reads_what_was_written)
{
    alignas(8) std::array<std::byte, 4096> room;
    const auto size = write(room);
    ASSERT_TRUE(size);
    ASSERT_EQ(fdt_check_full(room.data(), *size), 0);
    EXPECT_EQ(fdt_totalsize(room.data()), *size);
    const auto text = [&](const char* path, const char* name) {
        int length = 0;
        const int node = fdt_path_offset(room.data(), path);
        const auto* value = static_cast<const char*>(fdt_getprop(room.data(), node, name, &length));
        return value == nullptr ? "?" : std::string(value, static_cast<std::size_t>(length));
    };
    using namespace std::string_literals;
    EXPECT_EQ(text("/", "model"), "of a test\0"s);
    EXPECT_EQ(text("/", "#address-cells"), "\0\0\0\2"s);
    EXPECT_EQ(text("/a@1000000ab", "flag"), "");
    EXPECT_EQ(text("/a@1000000ab", "model"), "x\0"s);
    EXPECT_EQ(text("/a@1000000ab/b", "reg"), "\x01\x23\x45\x67\x89\xab\xcd\xef\0\0\0\0\0\0\0\1"s);
    EXPECT_GT(fdt_path_offset(room.data(), "/c@0"), 0);
}

TEST(FlatTreeWriter, a_tree_without_room_is_none_and_stays_in_its_room)
{
    alignas(8) std::array<std::byte, 4096> whole;
    const auto size = write(whole);
    ASSERT_TRUE(size);
    for (std::size_t room = 0; room < *size; ++room) {
        const auto exact = std::make_unique<std::byte[]>(room); // a write behind it is noticed
        EXPECT_FALSE(write({exact.get(), room})) << room;
    }
    const auto exact = std::make_unique<std::byte[]>(*size);
    EXPECT_EQ(write({exact.get(), *size}), size);
}

} // namespace
} // namespace percival::boot
