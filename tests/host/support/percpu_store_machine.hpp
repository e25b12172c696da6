// SPDX-License-Identifier: BSD-2-Clause
// What lies below the percpu store, on the host: pages for units (mm/percpu_memory/pages.hpp), memory for chunks
// (mm/vmalloc/vmalloc.hpp) and for the regions' notes (mm/vmalloc/vm_area_notes.hpp), and waiting for readers (kernel/sync/rcu.hpp).
// Everything is counted, any step that gets memory can be made to fail, and what the store must not do is a
// complaint:
//
//   - to call down with a lock held (INV-percpu_store-1)
//   - to populate a page twice, or to take from a page memory that is not there or that an object lies in
//   - to free a chunk whose readers were not waited for after it had left the directory (INV-percpu_chunk-3)
//
// One machine at a time, one thread.
#pragma once

#include "kernel/lib/address.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/percpu_memory/population.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace percival::testing {

class PercpuStoreMachine : Immovable {
public:
    static constexpr Bytes kPage = mm::KernelGeometry::kPageSize;

    PercpuStoreMachine();
    ~PercpuStoreMachine();

    // What was done wrong first; empty if nothing was.
    const std::string& complaint() const { return complaint_; }
    void complain(const char* what);

    // The steps that get memory (one for each page, note, or block), from the `first` one on, counted from 1, fail,
    // so many of them.
    void fail(u64 first, u64 count);
    void never_fail() { fail(0, 0); }
    // Since then.
    bool has_failed() const { return has_failed_; }

    // All that is in use.
    u64 populated_pages() const { return populated_; }
    u64 blocks() const { return blocks_.size(); }
    static u64 notes();
    // Since the start.
    u64 pages_given() const { return pages_given_; }
    u64 pages_taken() const { return pages_taken_; }
    // How often a block was allocated or freed: chunks came or went.
    u64 block_changes() const { return block_changes_; }

    // Populated pages that no object lies in.
    u32 empty_pages() const { return empty_; }
    u32 empty_pages(VirtRange range) const;
    bool is_populated(VirtAddr address) const { return pages_[page_of(address)].is_populated; }
    // An object comes, or goes.
    void use(VirtRange object);
    void unuse(VirtRange object);
    // Memory the machine was booted with.
    void give_at_boot(VirtRange range);

    // For the functions of the kernel that this stands for.
    bool may_allocate();
    void* allocate_block(Bytes size);
    void free_block(void* address);
    bool populate(VirtAddr base, percpu::Pages pages);
    void depopulate(VirtAddr base, percpu::Pages pages);
    void wait_for_readers();

private:
    struct Page {
        bool is_populated{false};
        u32 objects{0};

        bool is_empty() const { return is_populated && objects == 0; }
    };

    static u64 page_of(VirtAddr address);
    void expect_no_lock(const char* where);
    template <class Change>
    void change_pages(VirtRange range, Change change);

    std::vector<Page> pages_; // of the window
    u64 populated_{0};
    u32 empty_{0};
    u64 pages_given_{0};
    u64 pages_taken_{0};
    std::map<void*, std::unique_ptr<u64[]>> blocks_;
    std::set<void*> unread_; // of these, what no reader can have
    u64 block_changes_{0};
    u64 steps_{0};
    u64 fails_from_{0};
    u64 fails_{0};
    bool has_failed_{false};
    std::string complaint_;
};

} // namespace percival::testing
