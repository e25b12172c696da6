// SPDX-License-Identifier: BSD-2-Clause
// The board around the CPUs: their firmware, their spin tables, and what each of them does when it is started
// and told to go off.
//
// A CPU that is started enters the kernel as boot/start.S lets it: it finds its boot record by its MPIDR, and
// takes its root, its percpu data and its stack from there. Watched all the time: no CPU enters without a
// complete record, without being marked as starting, or while it is on, and none comes online before its
// set-up is complete.
#pragma once

#include "arch/cpu/cpu_features.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel_machine/support/machine.hpp"

#include <array>
#include <initializer_list>
#include <string_view>

namespace percival::testing {

// Returns the features of a CPU that reaches all memory, and has these besides.
constexpr arch::CpuFeatures with_features(std::initializer_list<arch::CpuFeature> has = {}, u64 midr = 0)
{
    arch::CpuFeatures features{.midr = midr};
    features.set(arch::CpuFeature::PhysicalBits, 48);
    for (const arch::CpuFeature feature : has)
        features.set(feature, 1);
    return features;
}

// How a CPU behaves, and what happened to it.
struct BoardCpu {
    // From its start until it arrives at secondary_main(). kNever: it is started and never arrives.
    u64 counts_to_arrive{0};
    // How long a call of the firmware that starts it takes, and the error that the call returns. With an
    // error the CPU is not started, unless `starts_all_the_same`.
    u64 counts_of_call{0};
    std::string_view firmware_error{};
    bool starts_all_the_same{false};
    bool call_is_undefined{false};
    // It was entered at EL1, where the kernel runs at EL2.
    bool is_at_another_level{false};
    // What its set-up finds.
    std::string_view controller_error{};
    bool timer_stays_disabled{false};
    bool another_raises_timer_interrupt{false};
    arch::CpuFeatures features{with_features()};
    // Whether the firmware can turn it off at all, and whether it does when it is told to.
    bool can_be_turned_off{true};
    bool stays_on{false};

    // Whether its firmware has set up a mailbox, and the entry address that was written there.
    bool has_mailbox{true};
    std::optional<PhysAddr> mailbox{};
    bool is_off_the_tables{false}; // it has stopped with its MMU off
    u32 starts{0};
    u32 times_online{0};
    u64 online_since{0};
};

struct Board {
    std::array<BoardCpu, kMaxMachineCpus> cpus{};
    bool pages_are_out{false};
    bool mappings_are_out{false};
    u32 ioremaps{0};
};
inline Board board{};

// Describes a machine of `cpus` CPUs, started by PSCI, to the kernel. A test may change the description
// before it brings up the other CPUs.
void describe_board(u32 cpus);
constexpr u64 mpidr_of_board(u32 cpu)
{
    return u64{cpu / 4} << 8 | cpu % 4;
}
// Returns the TTBR1_EL1 of CPU number `cpu`.
u64 root_register_of_board(u32 cpu);
// Lets CPU number `cpu` wait in a spin table.
void put_into_spin_table(u32 cpu, PhysAddr release_address);
// Lets CPU number `cpu` wait at a mailbox of its firmware.
void put_into_mailbox(u32 cpu, PhysAddr mailbox);
// In reserved memory of the board.
inline constexpr PhysAddr kSpinTable{0x10'0000};

// Returns what is left over at the end of a run that should not be, or nothing.
std::string_view wrong_with_board_at_end();
void reset_board();

} // namespace percival::testing
