// SPDX-License-Identifier: BSD-2-Clause
// The interrupt controller as the rest of the kernel sees it: a GICv2, a GICv3 or the local controller of a
// BCM2836, chosen by the device tree. Interrupt numbers are those of a GIC, its INTIDs: IPIs are below 16,
// and the private interrupts of a CPU follow. Interrupt n of a BCM2836 is number 16 + n.
//
// interrupt_controller_init() runs once on the boot CPU, before any other function here.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <optional>
#include <string_view>

namespace percival::arch {

// A request from one CPU to another. The enumerator is the number of the SGI, or of the mailbox's bit.
enum class Ipi : u8 {
    Call = 0,       // run the functions queued for this CPU (kernel/cpus/call.hpp)
    Backtrace = 1,  // print the interrupted code's backtrace (watchdog, panic)
    Stop = 2,       // stop for good, because the machine panicked
    Reschedule = 3, // check whether another thread should run
    Quiesce = 4,    // report when no reader is active (kernel/sync/rcu.hpp)
};

inline constexpr u32 kFirstPrivateInterrupt = 16;
inline constexpr u32 kSpuriousInterrupt = 1023;

// An acknowledged interrupt. `raw` is the value to write back when it ends (in GICv2 it includes the sender).
struct Acknowledged {
    u32 intid{kSpuriousInterrupt};
    u32 raw{kSpuriousInterrupt};
    bool is_spurious() const { return intid >= 1020 && intid <= kSpuriousInterrupt; } // LPIs are above
};

// A redistributor region, mapped as device memory.
struct RedistributorRegion {
    Mmio registers{};
    Bytes size{};
};

// The registers that an InterruptControllerDescription names and its kind has, mapped as device memory.
struct InterruptControllerRegisters {
    Mmio distributor{};                                                               // GIC
    Mmio cpu_interface{};                                                             // GICv2
    BoundedVector<RedistributorRegion, kMaxGicRedistributorRegions> redistributors{}; // GICv3
    Mmio local{};                                                                     // BCM2836
    Mmio peripherals{}; // BCM2836, if the description's is not empty
};

// Chooses the driver and resets what is not a CPU's own. An error is a sentence for the console. Boot CPU,
// once.
std::expected<void, std::string_view> interrupt_controller_init(
    const InterruptControllerDescription& description, const InterruptControllerRegisters& registers);

// Sets up the calling CPU's own part (redistributor, CPU interface, mailboxes) and enables its IPIs. An
// error is a sentence for the console, for example that no redistributor has this CPU's affinity. Interrupts
// masked, before the CPU takes its first interrupt.
std::expected<void, std::string_view> interrupt_controller_init_cpu(CpuId self, u64 mpidr);

// Stops all interrupts to the calling CPU. Interrupts masked, before the CPU is turned off.
void interrupt_controller_leave_cpu();

// Enable or disable one of the calling CPU's private interrupts (16 to 31; of a BCM2836 only its
// timers' 16 to 19). The caller does not migrate.
void enable_private_interrupt(u32 intid);
void disable_private_interrupt(u32 intid);

// What the interrupt controller says of a private interrupt.
struct PrivateInterruptState {
    bool enabled;
    bool pending; // a BCM2836 tells it of enabled interrupts only
    bool active;
    std::optional<bool> in_group_1; // GIC; reads as zero where Group 1 is the only one that the kernel sees
};
// Reads the state of one of the calling CPU's private interrupts. The caller does not migrate.
PrivateInterruptState private_interrupt_state(u32 intid);

// Takes the highest pending interrupt; is_spurious() is true of the result if there is none. Interrupts
// masked.
Acknowledged acknowledge_interrupt();
// Ends an interrupt: drops the priority and deactivates it. Interrupts masked.
void complete_interrupt(Acknowledged interrupt);

// Takes, serves and ends interrupts until none is pending. Calls serve_ipi(Ipi) for IPIs, and serve(u32
// intid) for all others. Interrupts masked.
//
// An IPI ends before its handler runs: it is an event and has no line, its handler may wait for the next
// interrupt (arch::wait_for_interrupt()), and that of Ipi::Stop never returns. Any other interrupt ends after
// its handler, which has lowered its line. The GIC would take a line that is still high at the end for
// another interrupt. No interrupt can come between a handler and the end of its interrupt, because interrupts
// stay masked.
template <class ServeIpi, class Serve>
void serve_interrupts(ServeIpi serve_ipi, Serve serve)
{
    for (;;) {
        const Acknowledged interrupt = acknowledge_interrupt();
        if (interrupt.is_spurious())
            return;
        if (interrupt.intid < kFirstPrivateInterrupt) {
            complete_interrupt(interrupt);
            serve_ipi(static_cast<Ipi>(interrupt.intid));
        } else {
            serve(interrupt.intid);
            complete_interrupt(interrupt);
        }
    }
}

// Sends an IPI. The target's handler sees the stores that the sender made before. The target may be the
// calling CPU itself. Any context.
void send_ipi(CpuId target, Ipi ipi);

// Sends SGI 0 to a CPU that waits for an interrupt in its firmware, and has not been set up. A GICv3 knows it
// by its affinity, a GICv2 by the number of its CPU interface, below 8. A BCM2836 does nothing. The CPU
// sees the stores that the sender made before, and drops the SGI when it is set up.
void wake_parked_cpu(u64 mpidr, u32 cpu_interface);

// Returns "GICv2", "GICv3" or "BCM2836".
std::string_view interrupt_controller_name();

} // namespace percival::arch
