// SPDX-License-Identifier: BSD-2-Clause
// Device tree blobs for tests: loads compiled ones from files, changes them, and puts them into memory where
// a read beyond their end is noticed. The host tests and the fuzzers share this.
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

// Loads a .dtb that the build made from tests/host/device_trees or from QEMU. It is packed, that is without
// slack at its end.
Blob load_tree(std::string_view name);

// Returns the names of all trees, sorted.
std::vector<std::string> all_trees();

// Adds nodes and properties to a blob and removes them.
class TreeEditor {
public:
    explicit TreeEditor(const Blob& blob);

    // Nodes are named by path. If a node or property that should exist does not, the test program ends.
    TreeEditor& add_node(const std::string& parent, const std::string& name);
    TreeEditor& remove_node(const std::string& path);
    TreeEditor& set_cells(const std::string& path, const std::string& property,
                          std::initializer_list<u32> cells);
    TreeEditor& set_text(const std::string& path, const std::string& property, std::string_view text);
    TreeEditor& set_bytes(const std::string& path, const std::string& property,
                          std::span<const std::byte> bytes);
    TreeEditor& remove_property(const std::string& path, const std::string& property);
    TreeEditor& add_block_reservation(u64 address, u64 size);

    // Returns the changed blob, packed.
    Blob finish() const;

private:
    int node(const std::string& path) const;

    Blob blob_;
};

// Holds a copy of a blob that lets nobody read before its first or behind its last byte. The page behind is
// inaccessible, because libfdt is not instrumented. The rest of the blob's own pages is poisoned for
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

// Reads a guarded copy of a blob and checks what the reader promises.
struct Reading {
    explicit Reading(std::span<const std::byte> bytes, const FirmwareFacts& facts = {});

    bool ok() const { return sentence.empty(); }
    // Returns true if some note contains `text`.
    bool has_note(std::string_view text) const;
    std::string all_notes() const;

    std::unique_ptr<GuardedBlob> blob; // the description's views point into it
    std::unique_ptr<MachineDescription> machine;
    std::string sentence;  // the error, or empty
    std::string violation; // the broken promise, or empty
};

} // namespace percival::testing
