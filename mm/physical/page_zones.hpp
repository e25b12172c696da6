// SPDX-License-Identifier: BSD-2-Clause
// All zones of the machine: finds the zone of a page, and the order in which to ask the zones for memory.
//
// The zones form a list, which any context reads without a lock while a writer adds and removes zones. There
// is one writer at a time: the boot CPU, and later the holder of the lock of mm/hot_memory/hot_memory.cpp. A
// zone that was removed stays as it is until rcu::synchronize() has returned, so a reader that stands on it
// finds the way on.
//
// The list has the order in which memory is used. Zones of the boot come first, from the highest addresses
// down, so that memory which every device can reach is used last. Zones that were added come behind them:
// what the kernel keeps for long then lies in memory that nobody wants to remove.
//
// Invariant: zones do not overlap.
#pragma once

#include "kernel/sync/preemption.hpp"
#include "mm/physical/page_zone.hpp"

#include <array>

namespace percival::mm {

class PageZones {
public:
    // Room for those of the banks (mm/pages/page_allocator_start.cpp) and of memory that is added later
    // (mm/hot_memory/hot_memory.hpp).
    static constexpr std::size_t kMaxZones = 160;

    constexpr PageZones() = default;

    // Returns a zone that is not in use, for the writer to init() and add() at once. Null if there is none.
    PageZone* unused()
    {
        for (PageZone& zone : zones_) {
            if (zone.bank().is_empty())
                return &zone;
        }
        return nullptr;
    }

    // Adds a zone that init() has prepared. From now on readers find it.
    void add(PageZone& zone)
    {
        std::atomic<PageZone*>& link = link_to_first([&](const PageZone& other) {
            return zone.origin() == ZoneOrigin::Boot &&
                   (other.origin() == ZoneOrigin::Added || other.bank().base < zone.bank().base);
        });
        zone.next_.store(link.load(std::memory_order_relaxed), std::memory_order_relaxed);
        link.store(&zone, std::memory_order_release);
    }

    // Removes a zone. The caller waits for rcu::synchronize() and then calls zone.forget(): until then,
    // readers may be using the zone.
    void remove(PageZone& zone)
    {
        link_to_first([&](const PageZone& other) {
            return &other == &zone;
        }).store(zone.next_.load(std::memory_order_relaxed), std::memory_order_release);
    }

    // Returns the zone whose bank contains the address; null for an address that is not RAM. The caller owns
    // a page of the zone, or keeps preemption off while it uses the zone.
    PageZone* containing(PhysAddr address)
    {
        const PreemptGuard reading;
        for (PageZone* zone = first(); zone != nullptr; zone = next(*zone)) {
            if (zone->bank().contains(address))
                return zone;
        }
        return nullptr;
    }

    // Calls `visit(PageZone&)` until it returns true: first for the zones of `node`, then for all others.
    // Returns whether a call did. Preemption is off during the calls.
    bool visit_from(NumaNode node, auto visit)
    {
        const PreemptGuard reading;
        return visit_where([node](const PageZone& zone) { return zone.node() == node; }, visit) ||
               visit_where([node](const PageZone& zone) { return zone.node() != node; }, visit);
    }
    void for_each(auto visit)
    {
        const PreemptGuard reading;
        for (PageZone* zone = first(); zone != nullptr; zone = next(*zone))
            visit(*zone);
    }

private:
    // Acquire: who finds a zone finds it initialized.
    PageZone* first() const { return first_.load(std::memory_order_acquire); }
    static PageZone* next(const PageZone& zone) { return zone.next_.load(std::memory_order_acquire); }

    // Returns the link that leads to the first zone for which `is_it(const PageZone&)` is true, or the last
    // link.
    std::atomic<PageZone*>& link_to_first(auto is_it)
    {
        std::atomic<PageZone*>* link = &first_;
        while (PageZone* zone = link->load(std::memory_order_relaxed)) {
            if (is_it(*zone))
                break;
            link = &zone->next_;
        }
        return *link;
    }

    bool visit_where(auto suitable, auto visit)
    {
        for (PageZone* zone = first(); zone != nullptr; zone = next(*zone)) {
            if (suitable(*zone) && visit(*zone))
                return true;
        }
        return false;
    }

    std::array<PageZone, kMaxZones> zones_{};
    std::atomic<PageZone*> first_{nullptr};
};

// Returns the zones of this machine.
PageZones& page_zones();

} // namespace percival::mm
