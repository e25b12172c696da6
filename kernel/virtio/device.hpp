// SPDX-License-Identifier: BSD-2-Clause
// A virtio 1 device behind its PCI registers (Virtual I/O Device 1.2, chapter 3.1 and 4.1.4): brings it up in
// the order that the specification wants, and reads its configuration. Threads, one at a time.
//
//      VirtioDevice device{registers};
//      device.reset();                             // then, in this order:
//      device.negotiate(wanted, required);
//      device.set_up_queue(0, memory);
//      device.go();
//
// A step that fails returns the end of a sentence, such as "does not reset"; the device is then left as it
// is, but for FAILED in its status.
//
// Nothing interrupts the CPU: all waits look at the device, for a limited time.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/lib/address.hpp"

#include <expected>
#include <string_view>

namespace percival {

using VirtioResult = std::expected<void, std::string_view>;

// Bits of the features (Virtual I/O Device 1.2, chapter 6).
inline constexpr u64 kVirtioVersion1 = u64{1} << 32;
inline constexpr u64 kVirtioAccessPlatform = u64{1} << 33; // the device uses the bus's addresses

// The mapped registers.
struct VirtioRegisters {
    arch::Mmio common{};
    arch::Mmio notify{};
    u32 notify_length{0}; // in bytes
    u32 notify_multiplier{0};
    arch::Mmio device{};
    u32 device_length{0}; // in bytes
};

// The three parts of a queue, in memory that the device may access.
struct VirtioQueueMemory {
    u16 size{0}; // entries; a power of two
    PhysAddr descriptors{};
    PhysAddr available{};
    PhysAddr used{};
};

class VirtioDevice {
public:
    constexpr VirtioDevice() = default;
    constexpr explicit VirtioDevice(const VirtioRegisters& registers) : registers_{registers} {}

    // Resets it and greets it: it has a driver now.
    VirtioResult reset() const;
    // Accepts those features of `wanted` that it offers, and returns them. It must offer all of `required`.
    std::expected<u64, std::string_view> negotiate(u64 wanted, u64 required) const;
    VirtioResult set_up_queue(u16 queue, const VirtioQueueMemory& memory);
    void go() const;
    // Says that it is given up.
    void fail() const;
    // Returns whether the device has given up, and wants a reset.
    bool needs_reset() const;

    // Tells it that the queue that was set up has something new.
    void notify() const;

    // Calls read(), which calls configuration64() and the like, until the configuration stood still
    // meanwhile. Returns whether it did; it is tried a few times only.
    template <class Read>
    [[nodiscard]] bool read_consistently(Read read) const
    {
        for (u32 tries = 0; tries < kTries; ++tries) {
            const u8 before = generation();
            read();
            if (generation() == before)
                return true;
        }
        return false;
    }
    u32 configuration_length() const { return registers_.device_length; }
    u16 configuration16(u32 offset) const { return registers_.device.read16(offset); }
    // A field of 64 bits takes two reads.
    u64 configuration64(u32 offset) const
    {
        return registers_.device.read32(offset) | u64{registers_.device.read32(offset + 4)} << 32;
    }

private:
    static constexpr u32 kTries = 16;

    u8 generation() const;
    u8 status() const;
    void add_status(u8 bit) const;

    VirtioRegisters registers_{};
    u16 queue_{0};
    u32 notify_at_{0};
};

} // namespace percival
