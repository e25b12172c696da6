// SPDX-License-Identifier: BSD-2-Clause
// Blocks of pages that a test holds, however many: they are linked through their own first bytes, and it
// touches no more of them than that. What is left when it ends goes back.
#pragma once

#include "mm/linear_map.hpp"
#include "mm/page_allocator.hpp"

namespace percival {

class PageHoard : Immovable {
public:
    PageHoard() = default;
    ~PageHoard() { give_back(); }

    // Takes a block, of the node's memory first. False: there is none.
    bool take(mm::PageOrder order) { return keep(mm::allocate_pages(order), order); }
    bool take_near(mm::NumaNode node, mm::PageOrder order)
    {
        return keep(mm::allocate_pages_near(node, order), order);
    }
    // Takes all memory there is, the largest blocks first.
    void take_everything()
    {
        for (mm::PageOrder order = mm::kMaxPageOrder;; order = order.down()) {
            while (take(order)) {
            }
            if (order == mm::kOnePage)
                return;
        }
    }
    void give_back()
    {
        while (first_ != PhysAddr{}) {
            const Link link = *mm::linear_pointer<Link>(first_);
            mm::free_pages(first_, link.order);
            first_ = link.next;
        }
        pages_ = 0;
    }

    u64 pages() const { return pages_; }
    // The block taken last.
    PhysAddr last() const { return first_; }

private:
    struct Link {
        PhysAddr next;
        mm::PageOrder order;
    };

    bool keep(std::optional<PhysAddr> block, mm::PageOrder order)
    {
        if (!block)
            return false;
        *mm::linear_pointer<Link>(*block) = {first_, order};
        first_ = *block;
        pages_ += order.pages();
        return true;
    }

    PhysAddr first_{};
    u64 pages_{0};
};

} // namespace percival
