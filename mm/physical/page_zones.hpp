// SPDX-License-Identifier: BSD-2-Clause
// All zones of the machine: which zone a page is in, and in which order to ask them for memory. Any context;
// zones are added at boot only.
//
// INV-page_zones-1: zones are in the order of their addresses and do not overlap.
#pragma once

#include "mm/physical/page_zone.hpp"

#include <array>

namespace percival::mm {

class PageZones {
public:
    // A zone for each bank; a bank larger than a zone can be is several.
    static constexpr std::size_t kMaxZones = 96;

    constexpr PageZones() = default;

    // The next zone, above all others, for the caller to init() at once. Null when there are too many.
    PageZone* add() { return count_ == kMaxZones ? nullptr : &zones_[count_++]; }

    // The zone whose bank the address is in; null for an address that is no RAM.
    PageZone* containing(PhysAddr address)
    {
        std::size_t low = 0;
        std::size_t high = count_;
        while (low < high) {
            const std::size_t middle = (low + high) / 2;
            if (zones_[middle].bank().end() <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low < count_ && zones_[low].bank().contains(address) ? &zones_[low] : nullptr;
    }

    // Calls `visit(PageZone&)` until it says true: first the zones of `node`, then all others, the highest
    // addresses first, so that memory which every device can reach is kept for last.
    bool visit_from(NumaNode node, auto visit)
    {
        return visit_where([node](const PageZone& zone) { return zone.node() == node; }, visit) ||
               visit_where([node](const PageZone& zone) { return zone.node() != node; }, visit);
    }
    void for_each(auto visit)
    {
        for (std::size_t at = 0; at < count_; ++at)
            visit(zones_[at]);
    }

private:
    bool visit_where(auto suitable, auto visit)
    {
        for (std::size_t at = count_; at-- > 0;) {
            if (suitable(zones_[at]) && visit(zones_[at]))
                return true;
        }
        return false;
    }

    std::array<PageZone, kMaxZones> zones_{};
    std::size_t count_{0};
};

// The machine's.
PageZones& page_zones();

} // namespace percival::mm
