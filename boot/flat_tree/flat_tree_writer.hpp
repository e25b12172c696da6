// SPDX-License-Identifier: BSD-2-Clause
// Writes a flattened device tree (Devicetree Specification 0.4, 5) from its root to its end, into memory of
// the caller. libfdt could write one, too, but reads a stack canary through a table of absolute addresses,
// which boot code that runs anywhere cannot have. Also on the host.
//
// A tree that does not fit is no tree: finish() says so, and nothing is written beyond the room meanwhile.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace percival::boot {

class FlatTreeWriter {
public:
    // `room` is aligned to 8 bytes. The root node is open afterwards.
    explicit FlatTreeWriter(std::span<std::byte> room);
    FlatTreeWriter(const FlatTreeWriter&) = delete;
    FlatTreeWriter& operator=(const FlatTreeWriter&) = delete;

    // Nodes nest. `unit`, if given, follows the name behind an '@', in hexadecimal.
    void begin_node(std::string_view name, std::optional<u64> unit = std::nullopt);
    void end_node();

    // Properties come before the nodes in their node.
    void cell(std::string_view name, u32 value);
    void number(std::string_view name, u64 value); // two cells
    void text(std::string_view name, std::string_view value);
    void flag(std::string_view name);
    // What is put follows until end_property().
    void begin_property(std::string_view name);
    void put_cell(u32 value);
    void put_cells(u64 value);            // two cells
    void put_text(std::string_view text); // with a zero
    void end_property();

    // Closes the root, and returns the size of the tree in bytes; nothing if it did not fit.
    [[nodiscard]] std::optional<std::size_t> finish();

private:
    static constexpr std::size_t kNames = 512; // bytes of all different names of properties

    void put(std::byte byte);
    void pad();
    void set_cell(std::size_t at, u32 value);
    u32 offset_of_name(std::string_view name);

    std::span<std::byte> room_;
    std::size_t used_{0};
    std::size_t length_at_{0}; // of the open property
    std::array<char, kNames> names_;
    std::size_t names_used_{0};
    bool fits_{true};
};

} // namespace percival::boot
