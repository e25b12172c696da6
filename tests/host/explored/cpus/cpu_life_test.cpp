// SPDX-License-Identifier: BSD-2-Clause
// Explores all interleavings of a CPU that goes off or comes back, the CPU that asks it to, and one that
// changes the kernel's tables meanwhile. The code is that of kernel/hotplug, kernel/cpus and
// arch/arm64/devices, and the instructions are those of arch/arm64/mmu/trampoline.S.
#include "arch/arm64/devices/parking.hpp"
#include "arch/arm64/devices/smccc.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/power.hpp"
#include "kernel/cpus/call.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/hotplug/bring_up.hpp"
#include "kernel/hotplug/hotplug.hpp"
#include "kernel/sched/idle_thread.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread_switch.hpp"
#include "kernel/sched/tick.hpp"
#include "kernel/sched/timers.hpp"
#include "kernel/sync/rcu.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/roots/check.hpp"
#include "support/interleaving.hpp"
#include "support/trampoline_program.hpp"

namespace percival {
namespace testing {
namespace {

using interleaved::expect_right;
using interleaved::expect_wrong;

constexpr CpuId kLiving{1}; // the CPU that comes and goes
constexpr Bytes kPage = mm::KernelGeometry::kPageSize;
constexpr VirtRange kData{kRegion<mm::KernelGeometry>, kPage}; // unmapped by CPU 2
constexpr VirtRange kStack{kData.base + kPage, kPage};         // of the CPU that comes and goes
constexpr PhysAddr kDataPage = kMemory, kStackPage = kMemory + kPage;

// What a CPU throws that is off.
struct TurnedOff {};

MachineDescription description;

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
class World {
public:
    static constexpr u32 kCpus = 3;
    static inline World* current = nullptr;

    explicit World(Explorer& e) : explorer{e}
    {
        current = this;
        arch::on_relax = [this] { kernel_.wait_for_change(); };
        description = {};
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            static_cast<void>(description.cpus.push({.mpidr = cpu, .start = CpuStart::Psci}));
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
    ~World()
    {
        for (u32 cpu = 0; cpu < kCpus; ++cpu) {
            if (is_online(CpuId{cpu}))
                set_offline(CpuId{cpu});
        }
        arch::on_relax = nullptr;
        current = nullptr;
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    static u32 cpus() { return kCpus; }

    // All CPUs are done.
    std::string verdict()
    {
        machine.execute_on(2);
        machine.expect_settled();
        for (const std::string& violation : machine.take_violations())
            require(false, violation.c_str());
        return kernel_.complaint;
    }

    // The executing CPU reads. Everything that it may get must be among `allowed`.
    void read(VirtRange at, std::initializer_list<std::optional<PhysAddr>> allowed)
    {
        explorer.access();
        for (const Outcome& outcome : machine.outcomes(machine.executing(), at.base))
            require(std::ranges::find(allowed, outcome.address) != allowed.end(),
                    "a CPU may get a wrong translation");
    }
    void require(bool holds, const char* what)
    {
        if (!holds && kernel_.complaint.empty())
            kernel_.complaint = what;
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

    Explorer& explorer;

private:
    ExploredKernel kernel_{explorer, kCpus, 24};
    Stores stores_{};
    bool has_power_{true};

public:
    ExploredKernel::Machine& machine{kernel_.machine};

protected:
    const PhysAddr reserved{*kernel_.allocate_table()};
    Instructions instructions{instructions_of_a_cpu_that_comes_on()};
};

// CPU 1 goes off. Once it is off, its stack is freed.
struct GoesOff : World {
    using World::World;

    void run(u32 cpu)
    {
        if (cpu == 0) {
            require(take_cpu_offline(kLiving).has_value(), "a CPU does not go off");
            unmap(kStack, kStackPage);
        } else if (cpu == 1) {
            be_idle();
        }
    }
    std::string verdict()
    {
        require(!is_online(kLiving) && can_start_again(kLiving), "a CPU is off, but not known to be");
        return World::verdict();
    }
};

TEST(ExploredCpuLifeTest, ACpuIsOffWhenItsStackIsFreed)
{
    expect_right<GoesOff>("a CPU goes off");
}

// CPU 1 goes off while CPU 2 unmaps what CPU 1 uses.
struct GoesOffMeanwhile : World {
    using World::World;

    void run(u32 cpu)
    {
        if (cpu == 0) {
            require(take_cpu_offline(kLiving).has_value(), "a CPU does not go off");
        } else if (cpu == 1) {
            read(kData, {kDataPage, std::nullopt});
            be_idle();
        } else {
            unmap(kData, kDataPage);
            read(kData, {std::nullopt});
        }
    }
};

TEST(ExploredCpuLifeTest, AFlushEndsWhetherACpuIsOffOrNot)
{
    expect_right<GoesOffMeanwhile>("a CPU goes off meanwhile");
}

// CPU 1 has been off while its stack got other memory, and comes back. CPU 2 has unmapped kData, and flushes
// that at one moment of many.
struct ComesBack : World {
    static constexpr PhysAddr kNewStackPage = kMemory + kPage * 2;
    static constexpr std::size_t kNever = 1000;
    // Which instruction CPU 1 leaves out, and before which one CPU 2 flushes. The explorer makes the objects.
    static inline std::size_t left_out = kNever, flushed_before = 0;

    explicit ComesBack(Explorer& e) : World{e}
    {
        set_offline(kLiving);
        machine.execute_on(1);
        say_goodbye();
        try {
            turn_off();
        } catch (const TurnedOff&) {
            machine.execute_on(0);
        }
        unmap(kStack, kStackPage);
        require(table().map(kStack, kNewStackPage, mm::kData).has_value(), "map failed");
        machine.execute_on(2);
        batch_.emplace(mm::kernel_tables());
        require(table().unmap(kData, *batch_).has_value(), "unmap failed");
        if (left_out < instructions.size())
            instructions = without(instructions, left_out);
    }

    void run(u32 cpu)
    {
        if (cpu == 0) {
            require(bring_cpu_online(kLiving).has_value(), "a CPU does not come back");
        } else if (cpu == 1) {
            while (!has_power())
                arch::relax();
            get_onto_root();
            require(arrive(kLiving), "a CPU that is waited for is left out");
            read(kStack, {kNewStackPage});
            read(kData, {std::nullopt});
            set_online(kLiving, {});
        } else {
            explorer.wait_until(&turn_, [this] { return turn_ == 2; });
            batch_.reset();
            machine.reuse_memory({kDataPage, kPage});
            explorer.touch(&turn_);
            turn_ = 1;
        }
    }

private:
    // Executes what comes between the firmware and the virtual addresses.
    void get_onto_root()
    {
        TrampolineProgram<ExploredKernel::Machine> program{machine, reserved, {{"x1", explored->root}}};
        for (std::size_t n = 0; n < instructions.size(); ++n) {
            if (n == flushed_before) {
                explorer.touch(&turn_);
                turn_ = 2;
                explorer.wait_until(&turn_, [this] { return turn_ == 1; });
            }
            program.execute(instructions[n]);
            if (instructions[n] == "msr sctlr_el1, x0")
                read(kStack, {std::nullopt}); // the reserved root maps nothing
        }
    }

    std::optional<mm::KernelTlbBatch> batch_{};
    u32 turn_{1}; // the CPU that goes on
};

TEST(ExploredCpuLifeTest, ACpuThatComesBackUsesTodaysTablesOnly)
{
    ComesBack::left_out = ComesBack::kNever;
    const std::size_t all = instructions_of_a_cpu_that_comes_on().size();
    for (ComesBack::flushed_before = 0; ComesBack::flushed_before < all; ++ComesBack::flushed_before)
        expect_right<ComesBack>("a CPU comes back");
}

TEST(ExploredCpuLifeTest, ACpuThatComesBackMustForgetWhatItKnewBeforeItsMmuIsOn)
{
    ComesBack::flushed_before = 0;
    const Instructions all = instructions_of_a_cpu_that_comes_on();
    for (const char* needed : {"tlbi vmalle1", "dsb nsh", "isb"}) {
        ComesBack::left_out = static_cast<std::size_t>(std::ranges::find(all, needed) - all.begin());
        expect_wrong<ComesBack>(needed);
    }
}

} // namespace
} // namespace testing

using testing::World;

const MachineDescription& this_machine()
{
    return testing::description;
}

u64 arch::call_firmware(PsciConduit, u32 function, u64, u64, u64)
{
    constexpr u32 kVersion = 0x8400'0000, kCpuOff = 0x8400'0002, kCpuOn = 0xc400'0003;
    constexpr u32 kAffinityInfo = 0xc400'0004;
    switch (function) {
    case kVersion:
        return 0x1'0001;
    case kCpuOff:
        World::current->turn_off();
    case kCpuOn:
        World::current->turn_on();
        return 0;
    case kAffinityInfo:
        return World::current->has_power() ? 0 : 1;
    default:
        return kNotSupported;
    }
}

bool arch::parking::is_possible()
{
    return false;
}

void arch::parking::park_this_cpu()
{
    throw std::logic_error{"a CPU is parked"};
}

bool arch::parking::is_parked(CpuId)
{
    return false;
}

void arch::parking::release(CpuId, PhysAddr) {}

void arch::interrupt_controller_leave_cpu() {}

std::expected<void, std::string_view> start_cpu(CpuId cpu)
{
    return arch::start_cpu(cpu, PhysAddr{0x4000'0000});
}

CpuSet active_cpus()
{
    return CpuSet::all();
}

bool has_no_threads(CpuId)
{
    return true;
}

void sleep_for_nanoseconds(u64)
{
    arch::relax();
}

void deactivate_cpu(CpuId) {}
void request_switch(CpuId) {}
void reset_idle_thread(CpuId) {}
void stop_tick() {}
void run_queued_calls() {}
void Timer::move_from(CpuId) {}
void rcu::synchronize() {}
void percpu::drain_stocks() {}
void mm::drain_object_stock() {}
void mm::drain_page_cache() {}

bool mm::root_agrees_with_master(CpuId)
{
    return true;
}

} // namespace percival
