// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/virtio/device.hpp"

#include "arch/cpu/barrier.hpp"
#include "arch/cpu/poll.hpp"

namespace percival {
namespace {

// Registers of the common configuration (Virtual I/O Device 1.2, 4.1.4.3).
constexpr u32 kDeviceFeatureSelect = 0x00;
constexpr u32 kDeviceFeature = 0x04;
constexpr u32 kDriverFeatureSelect = 0x08;
constexpr u32 kDriverFeature = 0x0c;
constexpr u32 kQueues = 0x12;            // 16 bits
constexpr u32 kStatus = 0x14;            // 8 bits
constexpr u32 kGeneration = 0x15;        // 8 bits
constexpr u32 kQueueSelect = 0x16;       // 16 bits
constexpr u32 kQueueSize = 0x18;         // 16 bits
constexpr u32 kQueueEnable = 0x1c;       // 16 bits
constexpr u32 kQueueNotifyOffset = 0x1e; // 16 bits
constexpr u32 kQueueDescriptors = 0x20;
constexpr u32 kQueueAvailable = 0x28;
constexpr u32 kQueueUsed = 0x30;

// Bits of the status (Virtual I/O Device 1.2, 2.1).
constexpr u8 kAcknowledged = 1;
constexpr u8 kHasDriver = 2;
constexpr u8 kDriverOk = 4;
constexpr u8 kFeaturesOk = 8;
constexpr u8 kNeedsReset = 64;
constexpr u8 kFailed = 128;

constexpr u32 kNotifyBytes = 2;

void write_address(arch::Mmio registers, u32 offset, PhysAddr address)
{
    registers.write32(offset, static_cast<u32>(address.raw()));
    registers.write32(offset + 4, static_cast<u32>(address.raw() >> 32));
}

} // namespace

u8 VirtioDevice::generation() const
{
    return registers_.common.read8(kGeneration);
}

u8 VirtioDevice::status() const
{
    return registers_.common.read8(kStatus);
}

void VirtioDevice::add_status(u8 bit) const
{
    registers_.common.write8(kStatus, static_cast<u8>(status() | bit));
}

VirtioResult VirtioDevice::reset() const
{
    registers_.common.write8(kStatus, 0);
    if (!arch::poll_until([this] { return status() == 0; }))
        return std::unexpected("does not reset");
    add_status(kAcknowledged);
    add_status(kHasDriver);
    return {};
}

std::expected<u64, std::string_view> VirtioDevice::negotiate(u64 wanted, u64 required) const
{
    u64 offered = 0;
    for (u32 half = 0; half < 2; ++half) {
        registers_.common.write32(kDeviceFeatureSelect, half);
        offered |= u64{registers_.common.read32(kDeviceFeature)} << 32 * half;
    }
    if ((offered & required) != required)
        return std::unexpected("lacks a feature that the driver needs");
    const u64 accepted = offered & (wanted | required);
    for (u32 half = 0; half < 2; ++half) {
        registers_.common.write32(kDriverFeatureSelect, half);
        registers_.common.write32(kDriverFeature, static_cast<u32>(accepted >> 32 * half));
    }
    add_status(kFeaturesOk);
    if ((status() & kFeaturesOk) == 0)
        return std::unexpected("does not accept the features");
    return accepted;
}

VirtioResult VirtioDevice::set_up_queue(u16 queue, const VirtioQueueMemory& memory)
{
    const arch::Mmio common = registers_.common;
    if (common.read16(kQueues) <= queue)
        return std::unexpected("has too few queues");
    common.write16(kQueueSelect, queue);
    if (common.read16(kQueueSize) < memory.size)
        return std::unexpected("has too small a queue");
    if (common.read16(kQueueEnable) != 0)
        return std::unexpected("uses a queue after its reset");
    const u64 notify_at = u64{common.read16(kQueueNotifyOffset)} * registers_.notify_multiplier;
    if (notify_at + kNotifyBytes > registers_.notify_length || notify_at % kNotifyBytes != 0)
        return std::unexpected("wants to be notified where it has no registers");
    queue_ = queue;
    notify_at_ = static_cast<u32>(notify_at);
    common.write16(kQueueSize, memory.size);
    write_address(common, kQueueDescriptors, memory.descriptors);
    write_address(common, kQueueAvailable, memory.available);
    write_address(common, kQueueUsed, memory.used);
    // The device may look at the queue's memory from here on: it sees what was written to it before.
    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Store>();
    common.write16(kQueueEnable, 1);
    return {};
}

void VirtioDevice::go() const
{
    add_status(kDriverOk);
}

void VirtioDevice::fail() const
{
    add_status(kFailed);
}

bool VirtioDevice::needs_reset() const
{
    return (status() & kNeedsReset) != 0;
}

void VirtioDevice::notify() const
{
    // The device sees what the queue has before it sees the notification, which is a store to its registers.
    arch::dmb<arch::Shareability::OuterShareable, arch::Access::Store>();
    registers_.notify.write16(notify_at_, queue_);
}

} // namespace percival
