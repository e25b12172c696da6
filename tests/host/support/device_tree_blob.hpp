// SPDX-License-Identifier: BSD-2-Clause
// Device tree blobs for tests: compiled ones from files, ways to change them, and memory in which reading one
// byte too far is noticed. Shared by the host tests and the fuzzers.
#pragma once

#include "kernel/device_tree/device_tree.hpp"

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace percival::testing {

using Blob = std::vector<std::byte>;

// A .dtb that the build made from tests/host/device_trees or from QEMU, packed: without slack at its end.
Blob load_tree(std::string_view name);
std::vector<std::string> all_trees();

// A blob to which nodes and properties can be added and from which they can be taken away.
class TreeEditor {
public:
    explicit TreeEditor(const Blob& blob);

    // Nodes are named by path. A node or property that should exist and does not ends the test program.
    TreeEditor& add_node(const std::string& parent, const std::string& name);
    TreeEditor& remove_node(const std::string& path);
    TreeEditor& set_cells(const std::string& path, const std::string& property,
                          std::initializer_list<u32> cells);
    TreeEditor& set_text(const std::string& path, const std::string& property, std::string_view text);
    TreeEditor& set_bytes(const std::string& path, const std::string& property,
                          std::span<const std::byte> bytes);
    TreeEditor& remove_property(const std::string& path, const std::string& property);
    TreeEditor& add_block_reservation(u64 address, u64 size);

    Blob finish() const;

private:
    int node(const std::string& path) const;

    Blob blob_;
};

// A copy of a blob of which nothing before, and nothing after the last byte can be read: the page behind is
// not accessible (libfdt is not instrumented), and what is left of the last page is poisoned for the
// instrumented code.
class GuardedBlob {
public:
    explicit GuardedBlob(std::span<const std::byte> bytes);
    ~GuardedBlob();
    GuardedBlob(const GuardedBlob&) = delete;
    GuardedBlob& operator=(const GuardedBlob&) = delete;

    std::span<const std::byte> bytes() const { return bytes_; }

private:
    std::byte* mapping_{nullptr};
    std::size_t mapping_size_{0};
    std::span<std::byte> bytes_;
};

// One reading of a guarded copy, with what the reader promises checked.
struct Reading {
    explicit Reading(std::span<const std::byte> bytes);

    bool ok() const { return sentence.empty(); }
    // Whether some note contains `text`.
    bool has_note(std::string_view text) const;
    std::string all_notes() const;

    std::unique_ptr<GuardedBlob> blob; // the description's views point into it
    std::unique_ptr<MachineDescription> machine;
    std::string sentence;  // the error, or empty
    std::string violation; // the broken promise, or empty
};

} // namespace percival::testing
