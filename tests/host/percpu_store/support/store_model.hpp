// SPDX-License-Identifier: BSD-2-Clause
// Model of a percpu store: a list of the allocated objects, together with the machine's pages. Each operation
// runs on the store; then the model checks the result and the state of the store. complaint() returns the
// first error.
#pragma once

#include "percpu_store/support/store_bed.hpp"

#include <map>
#include <string>
#include <vector>

namespace percival::testing {

class PercpuStoreModel : Immovable {
public:
    explicit PercpuStoreModel(const PercpuStoreShape& shape) : bed_{shape} { update_chunks(); }

    PercpuStoreMachine& machine() { return bed_.machine; }
    PercpuStoreBed& bed() { return bed_; }

    const std::string& complaint() const;
    const std::vector<VirtAddr>& objects() const { return objects_; }
    u64 chunk_count() const { return chunks_.size(); }

    // The operations of the store. take() returns the number of places taken.
    u32 take(percpu::Request request, u32 wanted);
    // Returns the error, if any.
    std::optional<percpu::Error> take_blocking(percpu::Request request);
    // Frees `count` objects, from number `first` of the list on.
    void put(std::size_t first, std::size_t count);
    void note_missed(percpu::Request request);
    void balance();

    // Checks the statistics of the store, and what its areas and blocks show.
    void check_statistics();
    // Frees everything and balances, and checks that the first chunk and the reserve are left. Then destroys
    // these too, and checks that nothing is left.
    void finish();

private:
    // The worker is called for if there are fewer empty pages than the low-water mark, and keeps the reserve.
    static constexpr u32 kLowWaterMark = 2;
    static constexpr u32 kReservePages = 4;

    void demand(bool holds, const char* what);
    void update_chunks();
    // Returns whether a chunk has a place for the request, in pages with memory or in any pages.
    bool has_place(const percpu::Chunk& chunk, percpu::Request request, bool with_memory) const;
    bool fits(VirtRange gap, percpu::Request request, bool with_memory) const;
    // Returns whether a search must find a place for the request. The store does not search sidelined chunks,
    // so places in them do not count.
    bool has_sure_place(percpu::Request request, bool with_memory) const;
    template <class Visit>
    void for_each_gap(const percpu::Chunk& chunk, Visit visit) const;
    Bytes largest_free(const percpu::Chunk& chunk) const;
    bool is_unused(const percpu::Chunk& chunk) const;
    void accept(percpu::Request request, VirtAddr place);
    bool put_makes_work(const percpu::Chunk& chunk) const;
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
