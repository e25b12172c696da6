// SPDX-License-Identifier: BSD-2-Clause
// What the drivers of the GICv2 and of the GICv3 have in common.
#pragma once

#include "arch/arm64/devices/interrupt_controller_driver.hpp"

namespace percival::arch {

namespace gic {

// All interrupts have one priority, so none preempts another. The priority is in the half that non-secure
// software owns. It is lower in value, and so more urgent, than the mask, however many priority bits the GIC
// implements.
inline constexpr u32 kPriority = 0x80;
inline constexpr u32 kFourPriorities = kPriority * 0x0101'0101;
inline constexpr u32 kPriorityMask = 0xff;
// The non-secure state cannot write a priority mask that the firmware has left in its own half.
inline constexpr auto kMaskNotSet =
    "the firmware masks this CPU's interrupts: it has left a priority mask that "
    "the kernel cannot change";

inline constexpr u32 kPrivateInterrupts = 32;

// Offsets of registers that are the same in the distributor of both versions and in the second frame of a
// GICv3 redistributor (IHI 0048B 4.3, IHI 0069H 12.9 and 12.11).
inline constexpr u32 kGroup = 0x080;
inline constexpr u32 kSetEnable = 0x100;
inline constexpr u32 kClearEnable = 0x180;
inline constexpr u32 kSetPending = 0x200;
inline constexpr u32 kClearPending = 0x280;
inline constexpr u32 kSetActive = 0x300;
inline constexpr u32 kClearActive = 0x380;
inline constexpr u32 kPriorities = 0x400;
inline constexpr u32 kConfiguration = 0xc00;

// The registers that end states of interrupts: the offset of the first word of each kind.
struct StateRegisters {
    u32 clear_enable;
    u32 clear_pending;
    u32 clear_active;
};
inline constexpr StateRegisters kStates{
    .clear_enable = kClearEnable, .clear_pending = kClearPending, .clear_active = kClearActive};

// Whoever ran before the kernel may have left interrupts enabled, pending and active, in any combination. The
// functions below end all three states. A pending SGI left over would pass for a request of the kernel's own.

// End these states for the interrupts of the words `first` to `end` - 1, 32 interrupts each, and for all
// shared interrupts from INTID 32 to 1019, of which Percival uses none.
void quiet_interrupts(Mmio registers, StateRegisters at, u32 first, u32 end);
void quiet_shared_interrupts(Mmio distributor);

// Brings the calling CPU's private interrupts into the kernel's state through `registers`: in `group`, and
// only the SGIs that the kernel sends enabled. Call after quiet_interrupts(). The error is that the GIC
// accepts no enable.
InterruptControllerResult set_up_private_interrupts(Mmio registers, u32 group);

// Reads the state of one of the calling CPU's private interrupts.
PrivateInterruptState private_state(Mmio registers, u32 intid);

} // namespace gic

} // namespace percival::arch
