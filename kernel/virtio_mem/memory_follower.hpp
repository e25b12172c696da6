// SPDX-License-Identifier: BSD-2-Clause
// Makes the kernel's RAM as large as a memory device requests: plugs blocks and adds them as RAM, or removes
// RAM and unplugs its blocks. One thread.
//
// RAM comes and goes by *units* of whole blocks: the smallest that the kernel can add
// (mm/hot_memory/hot_memory.hpp) and of which no more than kMaxUnits cover the device's region. A request is
// followed in whole units, and rounded down. Memory is added from the lowest addresses on, and taken from the
// highest; a unit with pages in use stays, and the next one below is tried.
//
// INV-memory_follower-1: the kernel has a unit as RAM only while all of its blocks are plugged: it is plugged
//     before it is added, and removed before it is unplugged. What is no RAM has no mapping, which keeps
//     INV-memory_device-1.
#pragma once

#include "kernel/virtio_mem/memory_device.hpp"
#include "mm/physical/numa.hpp"

namespace percival {

// Where the follower is.
struct FollowedMemory {
    Bytes requested{};           // by the device
    Bytes added{};               // RAM of the kernel
    Bytes spare{};               // plugged, and not RAM: the device or the kernel has refused the last step
    u64 pages_in_use{0};         // of units that could not be removed in the last round
    std::string_view obstacle{}; // what stopped the last round; empty if nothing did

    friend bool operator==(const FollowedMemory&, const FollowedMemory&) = default;
};

class MemoryFollower {
public:
    static constexpr u32 kMaxUnits = 32;

    constexpr MemoryFollower() = default;

    // Follows a device that has started and that nobody else uses. An error is the end of a sentence.
    static std::expected<MemoryFollower, std::string_view> of(MemoryDevice& device);

    Bytes unit() const { return unit_; }
    // What units can cover of the device's region.
    PhysRange range() const { return {base_, unit_ * units_}; }

    // Looks at the device once and goes as far towards its request as is possible. An error is the end of a
    // sentence: the device must not be used again.
    std::expected<FollowedMemory, std::string_view> follow();

private:
    // How a step of a round ended.
    enum class Step : u8 { Done, Obstacle };
    using Stepped = std::expected<Step, std::string_view>;

    PhysRange unit_at(u32 index) const { return {base_ + unit_ * index, unit_}; }
    Stepped grow(Bytes usable);
    Stepped shrink();
    Stepped plug(u32 index);
    Stepped unplug(u32 index);
    Step obstacle(std::string_view what);

    MemoryDevice* device_{nullptr};
    PhysAddr base_{};
    Bytes into_region_{}; // where base_ is in the device's region
    Bytes unit_{};
    u32 units_{0};
    mm::NumaNode node_{};
    u32 plugged_{0}; // a bit for each unit
    u32 added_{0};   // those that are RAM, a subset
    u32 stuck_{0};   // those that could not be removed in this round, a subset
    FollowedMemory now_{};
};

} // namespace percival
