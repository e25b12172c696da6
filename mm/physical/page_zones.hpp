// SPDX-License-Identifier: BSD-2-Clause
// All zones of the machine: finds the zone of a page, and the order in which to ask the zones for memory. Any
// context; zones are added at boot only.
//
// Invariant: zones are in the order of their addresses and do not overlap.
#pragma once

#include "mm/physical/page_zone.hpp"

#include <array>

namespace percival::mm {

class PageZones {
public:
    // Room for a zone per bank, and for several where a bank is larger than a zone can be.
    static constexpr std::size_t kMaxZones = 96;

    constexpr PageZones() = default;

    // Returns the next zone, for the caller to init() at once with a bank above all others. Null if there are
    // too many.
    PageZone* add() { return count_ == kMaxZones ? nullptr : &zones_[count_++]; }

    // Returns the zone whose bank contains the address; null for an address that is not RAM.
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

    // Calls `visit(PageZone&)` until it returns true: first for the zones of `node`, then for all others.
    // Both from the highest addresses down, so that memory which every device can reach is used last. Returns
    // whether a call did.
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

// Returns the zones of this machine.
PageZones& page_zones();

} // namespace percival::mm
