// SPDX-License-Identifier: BSD-2-Clause
// A PCI function's configuration space (PCI Local Bus Specification 3.0, chapter 6), mapped by ECAM (PCI
// Express Base Specification, 7.2.2). Any context; one CPU at a time uses a function. A function that is gone
// reads as ones.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/lib/types.hpp"

namespace percival {

// Where a function is on its bus.
struct PciPlace {
    u8 device{0};   // 0 to 31
    u8 function{0}; // 0 to 7
};

class PciFunction {
public:
    static constexpr Bytes kConfiguration = 4_KiB; // of each function
    static constexpr u32 kHeaderEnd = 0x40;        // in bytes; capabilities follow
    static constexpr u32 kCapabilityEnd = 0x100;

    constexpr PciFunction() = default;
    // `bus` is the configuration space of the whole bus.
    constexpr PciFunction(arch::Mmio bus, PciPlace place)
        : registers_{bus.from(kConfiguration * (u64{place.device} * 8 + place.function))}, place_{place}
    {
    }

    constexpr PciPlace place() const { return place_; }

    bool is_there() const { return vendor() != kNobody; }
    u16 vendor() const { return registers_.read16(kVendor); }
    u16 device_id() const { return registers_.read16(kDeviceId); }
    // Returns whether this place of a device has further functions. Only for function 0.
    bool has_more_functions() const { return (registers_.read8(kHeaderType) & kMoreFunctions) != 0; }
    // Returns whether it is the end of the host itself, to which the CPU's accesses do not lead.
    bool is_host_bridge() const { return registers_.read16(kClass) == kHostBridge; }
    // Returns whether the header is that of a device, and not of a bridge or of an unknown kind.
    bool is_device() const { return (registers_.read8(kHeaderType) & ~kMoreFunctions) == 0; }
    bool has_capabilities() const { return (registers_.read16(kStatus) & kCapabilityList) != 0; }
    u8 first_capability() const { return registers_.read8(kFirstCapability); }

    // Makes it deaf and mute: it answers at none of its addresses, and accesses no memory.
    void stop() const { registers_.write16(kCommand, kNoInterruptLine); }
    // Makes it answer at its memory addresses and lets it access memory. Its BARs are set.
    void start() const
    {
        registers_.write16(kCommand, kMemory | kMaster | kNoInterruptLine);
        // Writes to this memory may be acknowledged early: once a read of it returns, they have arrived.
        static_cast<void>(registers_.read16(kCommand));
    }

    // BAR `at`, 0 to 5.
    u32 bar(u32 at) const { return registers_.read32(kBars + 4 * at); }
    void set_bar(u32 at, u32 value) const { registers_.write32(kBars + 4 * at, value); }

    // Read within a capability, from kHeaderEnd to kCapabilityEnd.
    u8 read8(u32 offset) const { return registers_.read8(offset); }
    u32 read32(u32 offset) const { return registers_.read32(offset); }

private:
    static constexpr u32 kVendor = 0x0;
    static constexpr u32 kDeviceId = 0x2;
    static constexpr u32 kCommand = 0x4;
    static constexpr u32 kStatus = 0x6;
    static constexpr u32 kClass = 0xa;
    static constexpr u32 kHeaderType = 0xe;
    static constexpr u32 kBars = 0x10;
    static constexpr u32 kFirstCapability = 0x34;

    static constexpr u16 kNobody = 0xffff;
    static constexpr u16 kHostBridge = 0x0600;
    static constexpr u16 kMemory = 1 << 1;
    static constexpr u16 kMaster = 1 << 2;
    static constexpr u16 kNoInterruptLine = 1 << 10;
    static constexpr u16 kCapabilityList = 1 << 4;
    static constexpr u8 kMoreFunctions = 0x80;

    arch::Mmio registers_{};
    PciPlace place_{};
};

} // namespace percival
