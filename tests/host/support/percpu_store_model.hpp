// SPDX-License-Identifier: BSD-2-Clause
// What a percpu store must do, said by a list of the objects that are in somebody's hands and by the machine's pages.
// Each operation is done with the store, and what it says and leaves behind is judged. What is wrong first is kept in
// complaint().
#pragma once

#include "support/percpu_store_bed.hpp"

#include <map>
#include <string>
#include <vector>

namespace percival::testing {

class PercpuStoreModel : Immovable {
public:
    explicit PercpuStoreModel(const PercpuStoreShape& shape) : bed_{shape} { look_at_chunks(); }

    PercpuStoreMachine& machine() { return bed_.machine; }
    PercpuStoreBed& bed() { return bed_; }

    const std::string& complaint() const;
    const std::vector<VirtAddr>& objects() const { return objects_; }
    u64 chunk_count() const { return chunks_.size(); }

    // The operations of the store. How many places there were.
    u32 take(percpu::Request request, u32 wanted);
    // Its error, if any.
    std::optional<percpu::Error> take_blocking(percpu::Request request);
    // The objects from `first` on, in the list's order.
    void put(std::size_t first, std::size_t count);
    void note_missed(percpu::Request request);
    void balance();

    // All that can be seen of the store.
    void check_statistics();
    // Gives everything back and balances: what is left is the first chunk and the reserve. Then nothing is left.
    void finish();

private:
    // The worker is called when there are fewer empty pages than the first, and leaves at least the second.
    static constexpr u32 kFew = 2;
    static constexpr u32 kEnough = 4;

    void demand(bool holds, const char* what);
    void look_at_chunks();
    // Whether a chunk has a place for the request, in pages that have memory or in any.
    bool has_place(const percpu::Chunk& chunk, percpu::Request request, bool with_memory) const;
    bool fits(VirtRange gap, percpu::Request request, bool with_memory) const;
    // A chunk where a search has failed is not searched before something is freed in it: no promise for these.
    bool has_sure_place(percpu::Request request, bool with_memory) const;
    template <class Visit>
    void for_each_gap(const percpu::Chunk& chunk, Visit visit) const;
    Bytes largest_free(const percpu::Chunk& chunk) const;
    bool is_unused(const percpu::Chunk& chunk) const;
    void accept(percpu::Request request, VirtAddr place);
    bool give_makes_work(const percpu::Chunk& chunk) const;
    void check_missed();
    void check_mapped();
    void check_unused();

    PercpuStoreBed bed_;
    std::vector<percpu::Chunk*> chunks_; // by address
    u64 changes_seen_{0};
    std::vector<VirtAddr> objects_;
    std::map<VirtAddr, Bytes> sizes_; // of the objects
    Bytes in_use_{};
    std::optional<percpu::Request> missed_;
    std::string complaint_;
};

} // namespace percival::testing
