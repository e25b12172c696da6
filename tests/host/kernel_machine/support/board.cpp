// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_machine/support/board.hpp"

#include "arch/boot/boot_record.hpp"
#include "arch/cpu/cache.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/debug/fault_recovery.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/power.hpp"
#include "arch/devices/timer.hpp"
#include "arch/mmu/idmap.hpp"
#include "arch/mmu/root_switch.hpp"
#include "arch/percpu/register.hpp"
#include "arch/traps/system_errors.hpp"
#include "kernel/cpus/online.hpp"
#include "kernel/sched/thread.hpp"
#include "kernel_machine/support/doubles.hpp"
#include "kernel_machine/support/percpu_text.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/area.hpp"
#include "mm/roots/roots.hpp"
#include "mm/vmalloc/stacks.hpp"
#include "mm/vmalloc/vmap.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <set>
#include <utility>
#include <vector>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

extern "C" {
extern percival::arch::BootRecordTable boot_records; // arch/arm64/boot/boot_record.cpp
extern const char secondary_entry[];
const char secondary_entry[4]{};
}

namespace percival {

extern "C" [[noreturn]] void secondary_main();
extern "C" [[noreturn]] void secondary_at_other_level(percival::u64 distance);

namespace testing {
namespace {

constexpr u64 kDeviceMappings = 0xffff'0000'0000'0000;

// The steps of a CPU's set-up, and what it runs on.
struct SetUp {
    bool cache_lines{false};
    bool clock{false};
    bool system_errors{false};
    u64 root{0};
    arch::BootRecord record{};
};
std::array<SetUp, kMaxMachineCpus> set_ups{};
// Whether it has gone off and waits where the kernel parks CPUs: neither its spin table nor the firmware's
// mailbox wakes it any more.
std::array<bool, kMaxMachineCpus> is_parked{};

std::set<VirtAddr> mappings;
std::vector<void*> pages;

struct UndefinedInstruction {};

u32 self()
{
    return machine().executing();
}

const CpuDescription& described(u32 cpu)
{
    return this_machine().cpus[cpu];
}

// What boot/start.S does, from secondary_entry on.
void enter_kernel()
{
    machine().begin_context();
    const u32 cpu = self();
    machine().compute(board.cpus[cpu].counts_to_arrive);
    if (board.cpus[cpu].is_at_another_level)
        secondary_at_other_level(set_ups[cpu].record.tpidr);
    {
        const Aside aside;
        arch::set_this_cpu_distance(set_ups[cpu].record.tpidr);
        set_ups[cpu].root = set_ups[cpu].record.root.raw;
    }
    secondary_main();
}

const arch::BootRecord* find_record(u64 mpidr)
{
    const auto* const records = reinterpret_cast<const arch::BootRecord*>(boot_records.records);
    const auto* const end = records + boot_records.count;
    const auto* const found =
        std::find_if(records, end, [mpidr](const arch::BootRecord& record) { return record.mpidr == mpidr; });
    return found != end ? found : nullptr;
}

// Starts a CPU at the physical address `entry`.
void start(u32 cpu, PhysAddr entry)
{
    if (has_never_started(CpuId{cpu}))
        machine().fail("a CPU is started that is not marked as starting"); // INV-bring_up-1
    if (entry != arch::secondary_entry_address())
        machine().fail("a CPU is started somewhere else");
    const arch::BootRecord* const record = find_record(described(cpu).mpidr);
    if (record == nullptr)
        return machine().fail("a CPU is started without a boot record");
    ++board.cpus[cpu].starts;
    if (board.cpus[cpu].counts_to_arrive == kNever)
        return;
    set_ups[cpu] = {.record = *record};
    is_parked[cpu] = false;
    machine().turn_on(cpu, memory_of_stack(VirtAddr{record->stack_top}), &enter_kernel,
                      reinterpret_cast<void*>(idle_thread.local_address().raw() + record->tpidr));
    begin_with_text(cpu);
}

bool waits_in_spin_table(u32 cpu)
{
    return cpu != 0 && described(cpu).start == CpuStart::SpinTable && !is_parked[cpu] &&
           machine().is_off(cpu);
}

// Describes a CPU that waits for what is written at an address.
CpuDescription& describe_wait(u32 cpu, CpuStart start, PhysAddr address)
{
    CpuDescription& description = machine_to_describe().cpus[cpu];
    description.start = start;
    description.release_address = address;
    return description;
}

// Returns where that is, if the CPU starts in this way and has not been parked since.
std::optional<PhysAddr> wait_address(CpuId cpu, CpuStart start)
{
    const Aside aside;
    const CpuDescription& description = described(cpu.index());
    if (description.start != start || is_parked[cpu.index()])
        return {};
    return description.release_address;
}

} // namespace

void describe_board(u32 cpus)
{
    MachineDescription& machine = machine_to_describe();
    bool fits = machine.memory.push({.range = {PhysAddr{0x4000'0000}, Bytes{1 << 30}}}) &&
                machine.reserved.push({.range = {kSpinTable, Bytes{4096}}});
    for (u32 cpu = 0; cpu < cpus; ++cpu)
        fits = fits && machine.cpus.push({.mpidr = mpidr_of_board(cpu)});
    if (!fits)
        std::abort();
}

u64 root_register_of_board(u32 cpu)
{
    return set_ups[cpu].root;
}

void put_into_spin_table(u32 cpu, PhysAddr release_address)
{
    describe_wait(cpu, CpuStart::SpinTable, release_address);
}

void put_into_mailbox(u32 cpu, PhysAddr mailbox)
{
    describe_wait(cpu, CpuStart::Parking, mailbox).parking_id = cpu;
}

std::string_view wrong_with_board_at_end()
{
    return mappings.empty() ? "" : "device registers stay mapped";
}

void reset_board()
{
    board = {};
    set_ups = {};
    is_parked = {};
    mappings.clear();
    for (void* const page : pages)
        ::operator delete(page, std::align_val_t{4096});
    pages.clear();
}

} // namespace testing

std::optional<PhysAddr> mm::allocate_pages(PageOrder order)
{
    const testing::Aside aside;
    if (testing::board.pages_are_out)
        return {};
    const std::size_t size = std::size_t{order.pages()} * 4096;
    void* const block = ::operator new(size, std::align_val_t{4096});
    std::fill_n(static_cast<std::byte*>(block), size, std::byte{0xa5});
    testing::pages.push_back(block);
    return PhysAddr{address_of(block).raw()};
}

std::expected<VirtAddr, mm::VmError> mm::ioremap(PhysRange registers)
{
    const testing::Aside aside;
    if (testing::board.mappings_are_out)
        return std::unexpected{VmError::NoMemory};
    ++testing::board.ioremaps;
    const VirtAddr mapped{testing::kDeviceMappings + registers.base.raw()};
    testing::mappings.insert(mapped);
    return mapped;
}

void mm::iounmap(VirtAddr registers)
{
    const testing::Aside aside;
    if (testing::mappings.erase(registers) == 0)
        testing::machine().fail("registers are unmapped that are not mapped");
}

PhysAddr mm::cpu_root(CpuId cpu)
{
    return PhysAddr{(u64{cpu.index()} + 1) << 12};
}

namespace arch {

void note_cache_lines()
{
    const testing::Aside aside;
    testing::set_ups[testing::self()].cache_lines = true;
}

void timer_init_cpu()
{
    const testing::Aside aside;
    testing::set_ups[testing::self()].clock = true;
}

void take_system_errors()
{
    const testing::Aside aside;
    testing::set_ups[testing::self()].system_errors = true;
}

void stop_off_the_tables()
{
    {
        const testing::Aside aside;
        testing::board.cpus[testing::self()].is_off_the_tables = true;
    }
    stop();
}

// The last step before a CPU is online.
void drop_idmap()
{
    const testing::Aside aside;
    const u32 cpu = testing::self();
    const testing::SetUp& own = testing::set_ups[cpu];
    if (!own.cache_lines || !own.clock || !own.system_errors || !testing::machine().is_connected(cpu) ||
        own.root != mm::root_register(mm::cpu_root(CpuId{cpu})).raw ||
        read_this_cpu_distance() != mm::global_distance(CpuId{cpu}))
        testing::machine().fail("a CPU comes online before its set-up is complete");
    ++testing::board.cpus[cpu].times_online;
    testing::board.cpus[cpu].online_since = testing::machine().now();
}

void install_root(RootRegister root)
{
    const testing::Aside aside;
    testing::set_ups[testing::self()].root = root.raw;
}

std::expected<void, std::string_view> interrupt_controller_init_cpu(CpuId self, u64 mpidr)
{
    const testing::Aside aside;
    if (self != this_cpu_id() || mpidr != testing::described(self.index()).mpidr || !interrupts_masked())
        testing::machine().fail("the interrupt controller is set up for another CPU or too late");
    if (const auto error = testing::board.cpus[self.index()].controller_error; !error.empty())
        return std::unexpected{error};
    testing::machine().connect();
    return {};
}

void interrupt_controller_leave_cpu()
{
    testing::machine().disconnect();
}

CpuFeatures read_cpu_features()
{
    const testing::Aside aside;
    return testing::board.cpus[testing::self()].features;
}

std::optional<Fault> catch_fault(void (*function)(void*), void* argument)
{
    try {
        function(argument);
    } catch (const testing::UndefinedInstruction&) {
        return Fault{};
    }
    return {};
}

std::optional<PhysAddr> spin_table_release_address(CpuId cpu)
{
    return testing::wait_address(cpu, CpuStart::SpinTable);
}

void release_from_spin_table(Mmio release_address, PhysAddr entry)
{
    const testing::Aside aside;
    if (!testing::mappings.contains(release_address.base()))
        testing::machine().fail("a release address is written to that is not mapped");
    const PhysAddr address{release_address.base().raw() - testing::kDeviceMappings};
    for (u32 cpu = 0; cpu < testing::machine().cpus(); ++cpu) {
        if (testing::waits_in_spin_table(cpu) && testing::described(cpu).release_address == address)
            testing::start(cpu, entry);
    }
}

std::optional<PhysAddr> firmware_mailbox(CpuId cpu)
{
    return testing::wait_address(cpu, CpuStart::Parking);
}

std::expected<void, std::string_view> write_to_mailbox(CpuId cpu, Mmio mailbox, PhysAddr entry)
{
    const testing::Aside aside;
    if (!testing::mappings.contains(mailbox.base()) ||
        mailbox.base().raw() - testing::kDeviceMappings !=
            testing::described(cpu.index()).release_address.raw())
        testing::machine().fail("another mailbox is written to");
    if (!testing::board.cpus[cpu.index()].has_mailbox)
        return std::unexpected{"the mailbox is not set up"};
    testing::board.cpus[cpu.index()].mailbox = entry;
    return {};
}

void wake_parked_cpu(u64 mpidr, u32 cpu_interface)
{
    const testing::Aside aside;
    for (u32 cpu = 0; cpu < testing::machine().cpus(); ++cpu) {
        const CpuDescription& described = testing::described(cpu);
        if (described.mpidr != mpidr || described.parking_id != cpu_interface)
            continue;
        const auto entry = std::exchange(testing::board.cpus[cpu].mailbox, std::nullopt);
        if (!entry)
            return testing::machine().fail("a CPU is woken whose mailbox has no entry");
        testing::start(cpu, *entry);
    }
}

std::expected<void, std::string_view> start_cpu(CpuId cpu, PhysAddr entry)
{
    const testing::BoardCpu& described = testing::board.cpus[cpu.index()];
    if (described.call_is_undefined)
        throw testing::UndefinedInstruction{};
    if (!testing::machine().is_off(cpu.index())) {
        testing::machine().compute(described.counts_of_call);
        return std::unexpected{"it is on"};
    }
    if (described.firmware_error.empty() || described.starts_all_the_same) {
        const testing::Aside aside;
        testing::start(cpu.index(), entry);
    }
    testing::machine().compute(described.counts_of_call);
    if (!described.firmware_error.empty())
        return std::unexpected{described.firmware_error};
    return {};
}

bool can_turn_off(CpuId cpu)
{
    return testing::board.cpus[cpu.index()].can_be_turned_off;
}

void turn_off_this_cpu()
{
    const u32 cpu = testing::self();
    testing::is_parked[cpu] = testing::described(cpu).start != CpuStart::Psci;
    testing::machine().turn_off();
}

bool is_off(CpuId cpu)
{
    return testing::machine().is_off(cpu.index()) && !testing::board.cpus[cpu.index()].stays_on;
}

} // namespace arch
} // namespace percival
