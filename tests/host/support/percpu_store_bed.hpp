// SPDX-License-Identifier: BSD-2-Clause
// A percpu store on the machine of support/percpu_store_machine.hpp, with a first chunk as start_allocator()
// (mm/percpu_memory/allocator.cpp) makes it.
#pragma once

#include "mm/percpu_memory/store.hpp"
#include "support/percpu_store_machine.hpp"

namespace percival::testing {

struct PercpuStoreShape {
    Bytes static_size; // of the first chunk, before its reserved part
    u64 units;         // that the window has room for besides the first chunk's; at most
};

class PercpuStoreBed : Immovable {
public:
    explicit PercpuStoreBed(const PercpuStoreShape& shape);
    // The window is as it was, for the next one.
    ~PercpuStoreBed() { take_down(); }

    PercpuStoreMachine machine;
    percpu::Store store;

    const percpu::Chunk& first() const { return *first_; }
    // What can be allocated in a chunk.
    VirtRange allocatable(const percpu::Chunk& chunk) const;
    // All there are, by address, as the window's region lists them. The directory must agree.
    std::vector<percpu::Chunk*> chunks();
    // Whether the window has no room for another chunk.
    bool window_is_full() const;

    // Takes all chunks away, whatever is in them; empty, or what is left then of what the store got. Nothing, if it
    // is done already.
    std::string take_down();

private:
    percpu::FirstChunk parts_;
    percpu::Chunk* first_{nullptr};
    mm::VmArea* first_area_{nullptr};
    mm::VmArea* rest_{nullptr}; // of the window, where the shape bounds it
    u64 most_areas_;
};

} // namespace percival::testing
