// SPDX-License-Identifier: BSD-2-Clause
// Describes the machine: the facts that the kernel takes from the device tree. Nothing here refers to the
// tree's structure. read_device_tree() (kernel/device_tree/device_tree.hpp) fills it in once; it is constant
// afterwards.
//
// The string views point into the tree's blob, which stays mapped read-only as long as the kernel runs.
#pragma once

#include "kernel/device_tree/error.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/bounded_vector.hpp"
#include "kernel/lib/types.hpp"
#include "kernel/uart/uart.hpp"

#include <optional>
#include <string_view>

namespace percival {

inline constexpr std::size_t kMaxMemoryBanks = 64;
inline constexpr std::size_t kMaxReservations = 128;
inline constexpr std::size_t kMaxGicRedistributorRegions = 32;
inline constexpr std::size_t kMaxDeviceTreeNotes = 8;
inline constexpr u32 kMaxNumaNodes = 64;
inline constexpr std::size_t kMaxWatchdogs = 8;
inline constexpr std::size_t kMaxPciHosts = 4;

struct MemoryBank {
    PhysRange range;
    u32 numa_node{0};
};

// `no_map`: the range must not be mapped at all, because speculation could access it (secure firmware's
// memory).
struct Reservation {
    PhysRange range;
    bool no_map{false};
};

// Parking: by the parking protocol of ACPI (boot/acpi/madt.hpp). None: the tree names no method that the
// kernel can use. That is fine for the CPU that is already running.
enum class CpuStart : u8 { Psci, SpinTable, Parking, None };

// A mailbox of the parking protocol is a page of this size, and lies at a multiple of it.
inline constexpr Bytes kParkingMailbox = 4_KiB;

// MPIDR_EL1's affinity fields (Arm ARM D24.2.111): Aff3 in [39:32], Aff2..Aff0 in [23:0].
inline constexpr u64 kMpidrAffinity = 0xff'00ff'ffff;

struct CpuDescription {
    u64 mpidr{0}; // kMpidrAffinity only
    CpuStart start{CpuStart::Psci};
    PhysAddr release_address{}; // SpinTable; Parking: of its mailbox, a page
    u32 parking_id{0};          // Parking: its number in its mailbox, also that of its GICv2 CPU interface
    u32 numa_node{0};
};

enum class PsciConduit : u8 { None, Hvc, Smc };

enum class InterruptControllerKind : u8 { GicV2, GicV3, Bcm2836 };

struct InterruptControllerDescription {
    InterruptControllerKind kind{InterruptControllerKind::GicV3};
    PhysRange distributor{};                                                // GIC
    PhysRange cpu_interface{};                                              // GICv2
    BoundedVector<PhysRange, kMaxGicRedistributorRegions> redistributors{}; // GICv3
    u64 redistributor_stride{0};                                            // GICv3; 0: contiguous
    PhysRange local{};                                                      // BCM2836
    PhysRange peripherals{}; // BCM2836: the controller of peripheral interrupts; empty: the tree has none
};

enum class WatchdogKind : u8 { Bcm2835, Imx, Cadence, DesignWare };

struct WatchdogDescription {
    WatchdogKind kind{WatchdogKind::Bcm2835};
    PhysRange registers{};
    bool is_big_endian{false}; // Imx
    bool resets_by_pin{false}; // Imx: only its output pin resets the whole board
};

// A defect of the machine's counter that the timer's node names: one read may return a wrong count.
enum class CounterErratum : u8 { None, FslA008585, Hisilicon161010101, AllwinnerUnknown1 };

struct TimerDescription {
    // The numbers of the timers' interrupts, as arch/devices/interrupt_controller.hpp counts. A kernel at EL1
    // uses the EL1 virtual timer; one at EL2 a timer of EL2 whose interrupt the firmware names.
    u32 virtual_interrupt{27};
    u32 hypervisor_physical_interrupt{0}; // 0: not named, also below
    u32 hypervisor_virtual_interrupt{0};
    u32 frequency_override{0}; // Hz; 0: use CNTFRQ_EL0
    CounterErratum counter_erratum{CounterErratum::None};
};

// Addresses of the CPU behind which a PCI host has addresses of its bus, for the registers of devices.
struct PciWindow {
    PhysRange range{};
    u64 bus_base{0}; // the bus address of the first byte
};

// A PCI host whose configuration space is mapped (ECAM).
struct PciHostDescription {
    PhysRange configuration{}; // 1 MiB for each bus, `first_bus` first
    u8 first_bus{0};
    u8 last_bus{0};
    PciWindow low{};         // bus addresses below 4 GiB; empty: none
    PciWindow high{};        // bus addresses of 64 bits; empty: none
    bool is_coherent{false}; // devices see what is in the CPUs' caches
    bool has_iommu{false};   // which may translate the addresses that devices use
};

struct MachineDescription {
    std::string_view model{"unknown"};
    std::string_view compatible{}; // the first, most specific, name; empty if there is none
    std::string_view boot_arguments{};
    u64 random_seed{0}; // folded from rng-seed and kaslr-seed of /chosen; 0: neither is given
    BoundedVector<MemoryBank, kMaxMemoryBanks> memory{};
    BoundedVector<Reservation, kMaxReservations> reserved{};
    BoundedVector<CpuDescription, kMaxCpus> cpus{};
    u32 cpus_left_out{0}; // CPUs in the tree beyond kMaxCpus
    PsciConduit psci{PsciConduit::None};
    u32 psci_v01_cpu_on{0}; // function number of CPU_ON, for PSCI 0.1 only; 0: PSCI 0.2 or later
    InterruptControllerDescription interrupt_controller{};
    UartDescription uart{};
    TimerDescription timer{};
    BoundedVector<WatchdogDescription, kMaxWatchdogs> watchdogs{}; // those that are enabled
    BoundedVector<PciHostDescription, kMaxPciHosts> pci_hosts{};
    BoundedVector<DeviceTreeError, kMaxDeviceTreeNotes> notes{}; // errors that the kernel tolerates
    u32 notes_left_out{0};
};

// Returns the machine this kernel runs on. Any context, once kernel_main() has read the tree.
const MachineDescription& this_machine();
// The same for kernel_main(), which reads the tree into it before anybody else looks.
MachineDescription& machine_to_describe();

// Return what the console calls them.
constexpr std::string_view name_of(PsciConduit conduit)
{
    switch (conduit) {
    case PsciConduit::None:
        return "none";
    case PsciConduit::Hvc:
        return "HVC";
    case PsciConduit::Smc:
        return "SMC";
    }
    return "";
}

constexpr std::string_view name_of(InterruptControllerKind kind)
{
    switch (kind) {
    case InterruptControllerKind::GicV2:
        return "GICv2";
    case InterruptControllerKind::GicV3:
        return "GICv3";
    case InterruptControllerKind::Bcm2836:
        return "BCM2836";
    }
    return "";
}

// Returns which CPU has this MPIDR_EL1, of which only the affinity counts; their number if none has it.
constexpr std::size_t place_of_cpu(const MachineDescription& machine, u64 mpidr_el1)
{
    std::size_t at = 0;
    while (at < machine.cpus.size() && machine.cpus[at].mpidr != (mpidr_el1 & kMpidrAffinity))
        ++at;
    return at;
}

} // namespace percival
