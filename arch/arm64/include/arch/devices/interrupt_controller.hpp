// SPDX-License-Identifier: BSD-2-Clause
// The interrupt controller, as the rest of the kernel sees it: GICv2 or GICv3, chosen from the device tree.
//
// interrupt_controller_init() runs once on the boot CPU; everything else needs it done. Interrupt numbers are
// GIC INTIDs.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <string_view>

namespace percival::arch {

// What one CPU asks of another. The enumerator is the SGI number.
enum class Ipi : u8 {
    Call = 0,       // run the functions queued for this CPU (kernel/cpus/call.hpp)
    Backtrace = 1,  // print where you are (watchdog, panic)
    Stop = 2,       // the machine panicked: stop for good
    Reschedule = 3, // look whether another thread should run
    Quiesce = 4,    // say when no reader is under way (kernel/sync/rcu.hpp)
};

inline constexpr u32 kFirstPrivateInterrupt = 16;
inline constexpr u32 kSpuriousInterrupt = 1023;

// An acknowledged interrupt. `raw` is what has to be written back (GICv2 keeps the sender in it).
struct Acknowledged {
    u32 intid{kSpuriousInterrupt};
    u32 raw{kSpuriousInterrupt};
    bool is_spurious() const { return intid >= 1020; }
};

// A redistributor region, mapped as device memory.
struct RedistributorRegion {
    Mmio registers{};
    Bytes size{};
};

// The registers that a GicDescription names, mapped as device memory: those that its version has.
struct GicRegisters {
    Mmio distributor{};
    Mmio cpu_interface{};                                                             // V2
    BoundedVector<RedistributorRegion, kMaxGicRedistributorRegions> redistributors{}; // V3
};

// Resets the distributor. An error is a sentence for the console. Boot CPU, once.
std::expected<void, std::string_view> interrupt_controller_init(const GicDescription& gic,
                                                                const GicRegisters& registers);

// Sets up the calling CPU's own part (redistributor, CPU interface) and enables its SGIs. Interrupts masked,
// before the CPU takes its first interrupt. An error is a sentence for the console (no redistributor for this
// CPU's affinity).
std::expected<void, std::string_view> interrupt_controller_init_cpu(CpuId self, u64 mpidr);

// The calling CPU takes no interrupt from now on. Interrupts masked, before it is turned off.
void interrupt_controller_leave_cpu();

// Enables or disables one of the calling CPU's private interrupts (INTID 16 to 31).
void enable_private_interrupt(u32 intid);
void disable_private_interrupt(u32 intid);

// Takes the highest pending interrupt. Interrupts masked.
Acknowledged acknowledge_interrupt();
// Ends it: priority drop and deactivation.
void complete_interrupt(Acknowledged interrupt);

// Sends an IPI. Stores made before it are visible to the target's handler. `self` may be the target. Any
// context.
void send_ipi(CpuId target, Ipi ipi);

// "GICv2" or "GICv3".
std::string_view interrupt_controller_name();

} // namespace percival::arch
