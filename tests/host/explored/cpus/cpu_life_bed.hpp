// SPDX-License-Identifier: BSD-2-Clause
// The base class of scenarios in which a CPU goes off or comes back, another one asks it to, and a third one
// changes the kernel's tables meanwhile. The code is that of kernel/hotplug, kernel/cpus and
// arch/arm64/devices, and the instructions are those of arch/arm64/mmu/trampoline.S.
#pragma once

#include "arch/devices/power.hpp"
#include "explored/support/explored_kernel.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "support/interleaving.hpp"
#include "support/trampoline_program.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace percival::testing {

inline constexpr CpuId kLiving{1}; // the CPU that comes and goes
inline constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
inline constexpr VirtRange kData{kRegion<mm::KernelGeometry>, kPage}; // unmapped by CPU 2
inline constexpr VirtRange kStack{kData.base + kPage, kPage};         // of the CPU that comes and goes
inline constexpr PhysAddr kDataPage = kMemory, kStackPage = kMemory + kPage;

// What a CPU throws that is off.
struct TurnedOff {};

// What this_machine() returns. Defined in cpu_life_bed.cpp.
extern MachineDescription described_machine;

// Notes which CPUs have stores that they have not waited for.
class Stores final : public arch::RegisterModel {
public:
    u64 read(u64, u32) override { return 0; }
    void write(u64, u64, u32) override { ADD_FAILURE(); }
    u64 read_system(std::string_view) override { return 0; }
    void write_system(std::string_view, u64) override { ADD_FAILURE(); }
    void dsb(arch::Shareability shareability, arch::Access access) override
    {
        if (shareability != arch::Shareability::NonShareable && access != arch::Access::Load)
            explored->unfinished_stores.at(explored->machine.executing()) = 0;
    }
};

// CPU 0 asks, CPU 1 comes and goes, and CPU 2 unmaps kData.
class CpuLife : public ExploredKernel {
public:
    static constexpr u32 kCpus = 3;
    static inline CpuLife* current = nullptr;

    explicit CpuLife(Explorer& e) : ExploredKernel{e, kCpus, 24}
    {
        current = this;
        arch::on_relax = [this] { wait_for_change(); };
        described_machine = {};
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            static_cast<void>(described_machine.cpus.push({.mpidr = cpu, .start = CpuStart::Psci}));
            machine.execute_on(cpu);
            set_online(CpuId{cpu}, {});
        }
        machine.execute_on(0);
        arch::power_init(PsciConduit::Smc, 0);
        machine.add_root(reserved);
        mm::KernelTables::publish();
        require(table().map(kData, kDataPage, mm::kData).has_value(), "map failed");
        require(table().map(kStack, kStackPage, mm::kData).has_value(), "map failed");
        for (u32 cpu = 0; cpu < kCpus; ++cpu)
            machine.synchronize(cpu);
    }
    ~CpuLife()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            if (is_online(CpuId{cpu}))
                set_offline(CpuId{cpu});
        }
        arch::on_relax = nullptr;
        current = nullptr;
    }
    CpuLife(const CpuLife&) = delete;
    CpuLife& operator=(const CpuLife&) = delete;

    static u32 cpus() { return kCpus; }

    // All CPUs are done.
    std::string verdict()
    {
        machine.execute_on(2);
        machine.expect_settled();
        return ExploredKernel::verdict();
    }

    // The executing CPU reads. Everything that it may get must be among `allowed`.
    void read(VirtRange at, std::initializer_list<std::optional<PhysAddr>> allowed)
    {
        ExploredKernel::read(machine.executing(), at.base, allowed);
    }

    // --- The firmware

    bool has_power() const
    {
        explored->load(&has_power_, std::memory_order_acquire);
        return has_power_;
    }
    // Turns the executing CPU off. Until then it is on its stack.
    [[noreturn]] void turn_off()
    {
        read(kStack, {kStackPage});
        machine.power_off(kLiving.index());
        explored->store(&has_power_, std::memory_order_release);
        has_power_ = false;
        throw TurnedOff{};
    }
    void turn_on()
    {
        require(explored->unfinished_stores.at(machine.executing()) == 0,
                "a CPU starts before it can see what was prepared");
        machine.power_on(kLiving.index(), reserved);
        explored->store(&has_power_, std::memory_order_release);
        has_power_ = true;
    }

protected:
    static mm::KernelPageTable table() { return mm::master_table(); }
    // Unmaps a page and gives its memory away.
    void unmap(VirtRange at, PhysAddr page)
    {
        {
            mm::KernelTlbBatch batch{mm::kernel_tables()};
            require(table().unmap(at, batch).has_value(), "unmap failed");
        }
        machine.reuse_memory({page, kPage});
    }
    // Is the idle thread of CPU 1 until it is off.
    void be_idle()
    {
        try {
            for (;;) {
                leave_if_asked(kLiving);
                arch::relax();
            }
        } catch (const TurnedOff&) {
            return;
        }
    }

    const PhysAddr reserved{*allocate_table()};
    Instructions instructions{instructions_of_a_cpu_that_comes_on()};

private:
    Stores stores_{};
    bool has_power_{true};
};

} // namespace percival::testing
