// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes early memory with arbitrary sequences of steps of five bytes each: banks, reservations, allocations,
// and a final hand-over. A map of 64-byte pieces says what must be true.
#include "mm/physical/early_memory.hpp"
#include "tests/fuzz/broken_invariant.hpp"

#include <vector>

namespace percival::mm {
namespace {

using testing::demand;

constexpr u64 kPiece = 64;
constexpr u64 kPieces = 16384;
constexpr Bytes kPage{4096};

class Trial {
public:
    void step(const u8* in)
    {
        const u64 from = (in[1] | u64{in[2]} << 8) % kPieces;
        const u64 count = std::min<u64>(in[3] | u64{in[4]} << 8, kPieces - from);
        const PhysRange range{PhysAddr{from * kPiece}, Bytes{count * kPiece}};
        switch (in[0] % 4) {
        case 0:
            add(range, NumaNode{in[0] / 4u % 3});
            break;
        case 1:
            demand(memory_.reserve(range), "a step adds at most one range, so there is room");
            mark(range, false);
            break;
        default:
            allocate(NumaNode{in[0] / 4u % 3}, Bytes{(count % 512 + 1) * kPiece},
                     Bytes{kPiece << in[1] % 10});
        }
        check();
    }
    void finish()
    {
        u64 last_end = 0;
        for (const auto& [range, node] : memory_.hand_over(kPage)) {
            demand(!range.is_empty() && range.base.is_aligned(kPage) && range.end().is_aligned(kPage),
                   "the ranges handed over are whole pages");
            demand(range.base.raw() >= last_end, "the ranges handed over are sorted and do not overlap");
            last_end = range.end().raw();
            take(range);
        }
        demand(!memory_.allocate(kPage, kPage), "nothing can be allocated after the hand-over");
        demand(memory_.free_bytes() + memory_.taken_bytes() == memory_.added_bytes(),
               "all memory is accounted for");
    }

private:
    void mark(PhysRange range, bool free)
    {
        for (u64 piece = range.base.raw() / kPiece; piece < range.end().raw() / kPiece; ++piece) {
            free_pieces_ += free;
            free_pieces_ -= free_[piece];
            free_[piece] = free;
        }
    }
    void take(PhysRange range)
    {
        for (u64 piece = range.base.raw() / kPiece; piece < range.end().raw() / kPiece; ++piece)
            demand(free_[piece], "only free memory is handed out, and only once");
        mark(range, false);
    }
    void add(PhysRange range, NumaNode node)
    {
        for (u64 piece = range.base.raw() / kPiece; piece < range.end().raw() / kPiece; ++piece) {
            if (added_[piece])
                return; // RAM is added only once
        }
        if (!memory_.add(range, node))
            return;
        mark(range, true);
        for (u64 piece = range.base.raw() / kPiece; piece < range.end().raw() / kPiece; ++piece)
            added_[piece] = true;
    }
    void allocate(NumaNode node, Bytes size, Bytes alignment)
    {
        const auto range = memory_.allocate_on(node, size, alignment);
        if (!range)
            return;
        demand(range->size == size && range->base.is_aligned(alignment),
               "size and alignment are as requested");
        take(*range);
    }
    void check()
    {
        demand(memory_.free_bytes() == Bytes{free_pieces_ * kPiece},
               "free_bytes() is the number of free bytes");
        demand(memory_.free_bytes() + memory_.taken_bytes() == memory_.added_bytes(),
               "all memory is accounted for");
    }
    EarlyMemory memory_;
    std::vector<bool> free_ = std::vector<bool>(kPieces, false);
    std::vector<bool> added_ = std::vector<bool>(kPieces, false);
    u64 free_pieces_{0};
};

} // namespace
} // namespace percival::mm

extern "C" int LLVMFuzzerTestOneInput(const percival::u8* data, std::size_t size)
{
    constexpr std::size_t kMaxSteps = percival::mm::EarlyMemory::kMaxRanges - 1;
    percival::mm::Trial trial;
    for (std::size_t at = 0; at + 5 <= size && at < 5 * kMaxSteps; at += 5)
        trial.step(data + at);
    trial.finish();
    return 0;
}
