// SPDX-License-Identifier: BSD-2-Clause
// A percpu store that runs on the machine of percpu_store/support/store_machine.hpp. Its first chunk is like
// the one that start_allocator() (mm/percpu_memory/allocator.cpp) makes.
#pragma once

#include "mm/percpu_memory/store.hpp"
#include "percpu_store/support/store_machine.hpp"

namespace percival::testing {

struct PercpuStoreShape {
    Bytes static_size; // the size of the first chunk's static part
    u64 units;         // the most chunks that the window has room for besides the first
};

class PercpuStoreBed : Immovable {
public:
    explicit PercpuStoreBed(const PercpuStoreShape& shape);
    // Leaves the window empty for the next bed.
    ~PercpuStoreBed() { take_down(); }

    PercpuStoreMachine machine;
    percpu::Store store;

    const percpu::Chunk& first() const { return *first_; }
    // Returns the part of a chunk that can be allocated.
    VirtRange allocatable(const percpu::Chunk& chunk) const;
    // Returns all chunks by address, as the window's region lists them. It is an error if the directory
    // differs.
    std::vector<percpu::Chunk*> chunks();
    // Returns whether the window has no room for another chunk.
    bool window_is_full() const;

    // Destroys all chunks, with objects in them or not. Returns the first error, such as a resource that is
    // left over, or an empty string. Does nothing if it was called before.
    std::string take_down();

private:
    percpu::FirstChunk parts_;
    percpu::Chunk* first_{nullptr};
    mm::VmArea* first_area_{nullptr};
    mm::VmArea* rest_{nullptr}; // the part of the window that the shape makes unavailable, if any
    u64 max_areas_;
};

} // namespace percival::testing
