// SPDX-License-Identifier: BSD-2-Clause
// Fuzzes the buddy allocator and its zone with arbitrary sequences of steps. Each step takes two bytes: the
// operation and its operand. A map of pages says what must be true.
#include "mm/physical/page_zone.hpp"
#include "tests/fuzz/broken_invariant.hpp"

#include <cstring>
#include <vector>

namespace percival::mm {
namespace {

using testing::demand;

constexpr unsigned kShift = 12;
constexpr u64 kPages = 3 * kMaxPageOrder.pages();
constexpr PhysAddr kBase{0x4012'3000};

class Trial {
public:
    // Takes the bank's free ranges from the first bytes of the input.
    Trial(const u8* data, std::size_t size) : free_(kPages, false)
    {
        u64 at = 0;
        for (std::size_t byte = 0; byte + 1 < size && byte < 16 && at < kPages; byte += 2) {
            at += data[byte];
            const u64 count = std::min<u64>(kPages - std::min(at, kPages), data[byte + 1] * u64{9} + 1);
            if (count == 0)
                break;
            ranges_.push_back({{kBase + Bytes{at << kShift}, Bytes{count << kShift}}, NumaNode{}});
            std::fill_n(free_.begin() + static_cast<long>(at), count, true);
            at += count + 1;
        }
        const PhysRange bank{kBase, Bytes{kPages << kShift}};
        descriptors_.resize(PageZone::descriptors_for(bank, kShift));
        std::memset(static_cast<void*>(descriptors_.data()), 0x22,
                    descriptors_.size() * sizeof(PageDescriptor));
        zone_.init(bank, NumaNode{}, kShift, descriptors_.data(), ranges_);
        count_ = static_cast<u64>(std::count(free_.begin(), free_.end(), true));
    }

    void step(u8 what, u8 with)
    {
        if ((what & 1) == 0)
            allocate(PageOrder{what / 2u % (kMaxPageOrder.number() + 1)});
        else if (!blocks_.empty())
            free_block(with % blocks_.size());
        demand(zone_.free_pages() == count_, "free_pages() is the number of free pages");
    }
    void finish()
    {
        while (!blocks_.empty())
            free_block(0);
        while (zone_.allocate(kOnePage))
            --count_;
        demand(count_ == 0, "every free page can be allocated in the end");
    }

private:
    struct Block {
        PhysAddr base;
        PageOrder order;
    };

    static u64 page_of(PhysAddr address) { return (address - kBase).count() >> kShift; }
    bool has_room(PageOrder order) const
    {
        const u64 first = (kBase.raw() >> kShift) % order.pages();
        for (u64 at = first == 0 ? 0 : order.pages() - first; at + order.pages() <= kPages;
             at += order.pages()) {
            const auto page = free_.begin() + static_cast<long>(at);
            if (std::all_of(page, page + order.pages(), [](bool free) { return free; }))
                return true;
        }
        return false;
    }
    void allocate(PageOrder order)
    {
        const bool possible = has_room(order);
        const auto block = zone_.allocate(order);
        demand(block.has_value() == possible,
               "a block is allocated exactly if an aligned run of pages is free");
        if (!block)
            return;
        demand(block->is_aligned(Bytes{u64{order.pages()} << kShift}), "a block is aligned");
        for (u64 page = page_of(*block); page < page_of(*block) + order.pages(); ++page) {
            demand(page < kPages && free_[page], "a page is handed out once, and only if it was free");
            free_[page] = false;
        }
        count_ -= order.pages();
        blocks_.push_back({*block, order});
    }
    void free_block(std::size_t at)
    {
        const Block block = blocks_[at];
        blocks_.erase(blocks_.begin() + static_cast<long>(at));
        demand(zone_.find(block.base)->change(PageState{PageUse::Allocated, block.order}, PageState{}),
               "the descriptor of an allocated block says Allocated");
        zone_.free(block.base, block.order);
        std::fill_n(free_.begin() + static_cast<long>(page_of(block.base)), block.order.pages(), true);
        count_ += block.order.pages();
    }

    std::vector<bool> free_;
    std::vector<EarlyMemory::FreeRange> ranges_;
    std::vector<PageDescriptor> descriptors_;
    PageZone zone_;
    std::vector<Block> blocks_;
    u64 count_{0};
};

} // namespace
} // namespace percival::mm

extern "C" int LLVMFuzzerTestOneInput(const percival::u8* data, std::size_t size)
{
    percival::mm::Trial trial{data, size};
    for (std::size_t at = 16; at + 1 < size; at += 2)
        trial.step(data[at], data[at + 1]);
    trial.finish();
    return 0;
}
