// SPDX-License-Identifier: BSD-2-Clause
// The host's stand-in for the layers below the percpu store: pages for units (mm/percpu_memory/pages.hpp),
// memory for chunks (mm/vmalloc/vmalloc.hpp) and for the regions' notes (mm/vmalloc/vm_area.hpp), and
// the wait for readers (kernel/sync/rcu.hpp). The machine counts all resources and can let any step that
// allocates memory fail. It complains if the store
//
//   - calls it with a lock held (INV-percpu_store-1)
//   - populates a page twice, or depopulates a page that has no memory or is in use
//   - frees a chunk without a wait for readers since the chunk left the directory (INV-percpu_chunk-3)
//
// There is one machine at a time, and one thread.
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

    // Returns the first complaint, or an empty string.
    const std::string& complaint() const { return complaint_; }
    void complain(const char* what);

    // Lets `count` steps that allocate memory fail, starting with number `first`. Steps are counted from 1,
    // from now on; each page, note and block is one.
    void fail(u64 first, u64 count);
    void never_fail() { fail(0, 0); }
    // Returns whether a step has failed since the last fail().
    bool has_failed() const { return has_failed_; }

    // Return the number of pages, blocks and notes in use.
    u64 populated_pages() const { return populated_; }
    u64 blocks() const { return blocks_.size(); }
    static u64 notes();
    // Return how many pages were populated and depopulated since the start.
    u64 total_populated() const { return total_populated_; }
    u64 total_depopulated() const { return total_depopulated_; }
    // Returns how often a block was allocated or freed. It changes whenever a chunk is made or destroyed.
    u64 block_changes() const { return block_changes_; }

    // Return the number of populated pages that no object lies in.
    u32 empty_pages() const { return empty_; }
    u32 empty_pages(VirtRange range) const;
    bool is_populated(VirtAddr address) const { return pages_[page_of(address)].is_populated; }
    // Record that an object is allocated, or freed.
    void use(VirtRange object);
    void unuse(VirtRange object);
    // Populates pages that have memory from boot.
    void populate_at_boot(VirtRange range);

    // The stand-ins for functions of the kernel call these.
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

    std::vector<Page> pages_; // all pages of the window
    u64 populated_{0};
    u32 empty_{0};
    u64 total_populated_{0};
    u64 total_depopulated_{0};
    std::map<void*, std::unique_ptr<u64[]>> blocks_;
    std::set<void*> unreachable_; // the blocks that no reader can still use
    u64 block_changes_{0};
    u64 steps_{0};
    u64 fails_from_{0};
    u64 fails_{0};
    bool has_failed_{false};
    std::string complaint_;
};

} // namespace percival::testing
