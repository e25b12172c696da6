// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/virtio_mem/memory_follower.hpp"

#include "kernel/device_tree/machine.hpp"
#include "mm/hot_memory/hot_memory.hpp"

#include <algorithm>
#include <bit>

namespace percival {
namespace {

// Other memory that comes and goes needs some of the kernel's ranges, too.
static_assert(MemoryFollower::kMaxUnits <= mm::kMaxAddedRanges / 2);

constexpr u64 kMaxBlocksOfRequest = 0xffff;

constexpr u32 bit(u32 index)
{
    return u32{1} << index;
}

} // namespace

std::expected<MemoryFollower, std::string_view> MemoryFollower::of(MemoryDevice& device)
{
    const auto configuration = device.configuration();
    if (!configuration)
        return std::unexpected(configuration.error());
    const PhysRange region = configuration->region;
    MemoryFollower follower;
    follower.device_ = &device;
    follower.unit_ = std::max({configuration->block_size, mm::kHotMemoryUnit,
                               Bytes{std::bit_ceil((region.size.count() + kMaxUnits - 1) / kMaxUnits)}});
    if (follower.unit_ / configuration->block_size > kMaxBlocksOfRequest)
        return std::unexpected("has blocks that are too small for a region of this size");
    follower.base_ = region.base.align_up(follower.unit_);
    const Bytes lost = follower.base_ - region.base;
    follower.into_region_ = lost;
    follower.units_ = lost < region.size ? static_cast<u32>((region.size - lost) / follower.unit_) : 0;
    if (follower.units_ == 0)
        return std::unexpected("has a region without a whole unit of the memory that the kernel can add");
    // A node that the kernel does not know has no CPUs to be near to.
    if (const auto node = configuration->node; node && *node < kMaxNumaNodes)
        follower.node_ = mm::NumaNode{*node};
    return follower;
}

MemoryFollower::Step MemoryFollower::obstacle(std::string_view what)
{
    now_.obstacle = what;
    return Step::Obstacle;
}

MemoryFollower::Stepped MemoryFollower::plug(u32 index)
{
    const auto answer = device_->plug(unit_at(index));
    if (!answer)
        return std::unexpected(answer.error());
    if (*answer != MemoryDevice::Answer::Done)
        return obstacle(*answer == MemoryDevice::Answer::Busy ? "the device is busy"
                                                              : "the device refuses to plug");
    const auto state = device_->state(unit_at(index));
    if (!state)
        return std::unexpected(state.error());
    if (*state != MemoryDevice::State::Plugged)
        return std::unexpected("has not plugged what it says");
    plugged_ |= bit(index);
    return Step::Done;
}

MemoryFollower::Stepped MemoryFollower::unplug(u32 index)
{
    const auto answer = device_->unplug(unit_at(index));
    if (!answer)
        return std::unexpected(answer.error());
    if (*answer != MemoryDevice::Answer::Done)
        return obstacle(*answer == MemoryDevice::Answer::Busy ? "the device is busy"
                                                              : "the device refuses to unplug");
    plugged_ &= ~bit(index);
    return Step::Done;
}

// Adds one unit: one that is plugged already, or the lowest that is not (INV-memory_follower-1).
MemoryFollower::Stepped MemoryFollower::grow(Bytes usable)
{
    const u32 spare = plugged_ & ~added_;
    const u32 index = static_cast<u32>(std::countr_zero(spare != 0 ? spare : ~added_));
    if (index >= units_ || into_region_ + unit_ * (index + 1) > usable)
        return obstacle("there is no room left");
    if (spare == 0) {
        if (const auto plugged = plug(index); !plugged || *plugged == Step::Obstacle)
            return plugged;
    }
    if (const auto added = mm::add_memory(unit_at(index), node_); !added) {
        if (const auto unplugged = unplug(index); !unplugged)
            return unplugged;
        return obstacle(mm::description_of(added.error()));
    }
    added_ |= bit(index);
    return Step::Done;
}

// Takes one unit: one that is no RAM any more, or the highest without pages in use.
MemoryFollower::Stepped MemoryFollower::shrink()
{
    if (const u32 spare = plugged_ & ~added_; spare != 0)
        return unplug(static_cast<u32>(std::bit_width(spare)) - 1);
    while (added_ != stuck_) {
        const u32 index = static_cast<u32>(std::bit_width(added_ & ~stuck_)) - 1;
        if (const auto removed = mm::remove_memory(unit_at(index)); !removed) {
            now_.pages_in_use += removed.error().pages_in_use;
            stuck_ |= bit(index);
            continue;
        }
        added_ &= ~bit(index);
        return unplug(index);
    }
    return obstacle("pages are in use");
}

std::expected<FollowedMemory, std::string_view> MemoryFollower::follow()
{
    const auto configuration = device_->configuration();
    if (!configuration)
        return std::unexpected(configuration.error());
    now_ = {.requested = configuration->requested};
    stuck_ = 0;
    const u32 wanted = static_cast<u32>(std::min<u64>(configuration->requested / unit_, units_));
    const auto count = [](u32 units) { return static_cast<u32>(std::popcount(units)); };
    for (Stepped step = Step::Done; *step == Step::Done;) {
        if (count(plugged_) > wanted)
            step = shrink();
        else if (count(added_) < wanted)
            step = grow(configuration->usable);
        else
            break;
        if (!step)
            return std::unexpected(step.error());
    }
    now_.added = unit_ * count(added_);
    now_.spare = unit_ * count(plugged_ & ~added_);
    return now_;
}

} // namespace percival
