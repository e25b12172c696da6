// SPDX-License-Identifier: BSD-2-Clause
// What the tests of kernel/hotplug/bring_up.cpp have in common.
#pragma once

#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/kernel.hpp"

#include <array>
#include <string>

namespace percival::testing {

inline constexpr u64 kLimit = 20 * kCountsPerSecond;
// From its arrival until a CPU is online: the clock moves once, then the first alarm rings.
inline constexpr u64 kSetUp = 12;
inline constexpr u64 kStep = 10'000;

inline void bring_up()
{
    bring_up_secondaries(this_machine());
}

// Goes on when a CPU that spins looks at the clock, which is then not often. Returns the time.
inline u64 at_a_step()
{
    machine().set_spin_step(kStep);
    compute(kStep - now() % kStep);
    return now();
}

inline std::string line(u32 cpu, const std::string& what)
{
    return "cpu" + std::to_string(cpu) + ": " + what + ", left out";
}

inline std::string did_not_come(u32 cpu)
{
    static constexpr std::array<const char*, 12> kMpidrs{
        "0x0", "0x1", "0x2", "0x3", "0x100", "0x101", "0x102", "0x103", "0x200", "0x201", "0x202", "0x203"};
    return line(cpu, std::string{"did not come up (MPIDR "} + kMpidrs[cpu] + ")");
}

// Expects that the CPU takes threads and calls, or that nobody counts on it.
inline void expect_online(u32 cpu, bool online)
{
    const CpuId id{cpu};
    expect_equal(is_online(id) ? 1 : 0, online ? 1 : 0, "online");
    expect_equal(active_cpus().contains(id) ? 1 : 0, online ? 1 : 0, "takes threads");
    expect_equal(board.cpus[cpu].times_online, online ? 1 : 0, "times online");
    expect(!is_coming(id), "it is not waited for any more");
    if (online) {
        bool ran = false;
        Running one{[&] { ran = this_cpu_id() == id; }, on_cpu(cpu)};
        one.join();
        expect(ran, "it runs a thread");
        return;
    }
    expect(can_start_again(id), "it may come later");
}

// Lets the CPUs that are online join the scheduler.
inline void let_all_join()
{
    sleep_for(10);
}

} // namespace percival::testing
