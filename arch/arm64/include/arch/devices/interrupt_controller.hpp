// SPDX-License-Identifier: BSD-2-Clause
// The interrupt controller as the rest of the kernel sees it: a GICv2 or a GICv3, chosen by the device tree.
// Interrupt numbers are GIC INTIDs.
//
// interrupt_controller_init() runs once on the boot CPU, before any other function here.
#pragma once

#include "arch/cpu/mmio.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/types.hpp"

#include <expected>
#include <string_view>

namespace percival::arch {

// A request from one CPU to another. The enumerator is the SGI number.
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

// The registers that a GicDescription names and its version has, mapped as device memory.
struct GicRegisters {
    Mmio distributor{};
    Mmio cpu_interface{};                                                             // V2
    BoundedVector<RedistributorRegion, kMaxGicRedistributorRegions> redistributors{}; // V3
};

// Chooses the driver and resets the distributor. An error is a sentence for the console. Boot CPU, once.
std::expected<void, std::string_view> interrupt_controller_init(const GicDescription& gic,
                                                                const GicRegisters& registers);

// Sets up the calling CPU's own part (redistributor, CPU interface) and enables its SGIs. An error is a
// sentence for the console, for example that no redistributor has this CPU's affinity. Interrupts masked,
// before the CPU takes its first interrupt.
std::expected<void, std::string_view> interrupt_controller_init_cpu(CpuId self, u64 mpidr);

// Stops all interrupts to the calling CPU. Interrupts masked, before the CPU is turned off.
void interrupt_controller_leave_cpu();

// Enable or disable one of the calling CPU's private interrupts (INTID 16 to 31). The caller does not
// migrate.
void enable_private_interrupt(u32 intid);
void disable_private_interrupt(u32 intid);

// What the interrupt controller says of a private interrupt.
struct PrivateInterruptState {
    bool enabled;
    bool pending;
    bool active;
    bool in_group_1; // reads as zero where Group 1 is the only group that the kernel sees
};
// Reads the state of one of the calling CPU's private interrupts. The caller does not migrate.
PrivateInterruptState private_interrupt_state(u32 intid);

// Takes the highest pending interrupt; is_spurious() is true of the result if there is none. Interrupts
// masked.
Acknowledged acknowledge_interrupt();
// Ends an interrupt: drops the priority and deactivates it. Interrupts masked.
void complete_interrupt(Acknowledged interrupt);

// Takes, serves and ends interrupts until none is pending. Calls serve_ipi(Ipi) for SGIs, and serve(u32
// intid) for all others. Interrupts masked.
//
// An SGI ends before its handler runs: it is an event and has no line, its handler may wait for the next
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

// Returns "GICv2" or "GICv3".
std::string_view interrupt_controller_name();

} // namespace percival::arch
