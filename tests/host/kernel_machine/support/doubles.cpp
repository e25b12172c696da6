// SPDX-License-Identifier: BSD-2-Clause
// What the kernel's sources call on the machine: the CPU, the timer, the interrupt controller, memory, and
// the console.
#include "kernel_machine/support/doubles.hpp"
#include "arch/cpu/cpu_features.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/interrupt_controller.hpp"
#include "arch/devices/timer.hpp"
#include "arch/percpu/register.hpp"
#include "arch/threads/context_switch.hpp"
#include "arch/threads/thread_pointer.hpp"
#include "kernel/lib/assert.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/lib/panic.hpp"
#include "kernel/lib/symbols.hpp"
#include "kernel/report/backtrace_request.hpp"
#include "kernel/report/watchdog.hpp"
#include "kernel_machine/support/board.hpp"
#include "kernel_machine/support/machine.hpp"
#include "mm/objects/small_objects.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu_memory/allocator.hpp"
#include "mm/percpu_memory/stock.hpp"
#include "mm/roots/check.hpp"
#include "mm/vmalloc/stacks.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

// These variables are not the kernel's (support/kernel_state.hpp).
#pragma clang section bss = "" data = ""

namespace percival {
namespace {

constexpr u32 kTimerInterrupt = 27;

// Stacks by their end.
std::map<u64, std::byte*> stacks;
std::array<VirtRange, testing::kMaxMachineCpus + 1> fixed_stacks{};

// Those that are not freed.
std::set<void*> objects;

std::vector<std::string> console_lines;

VirtRange take_stack()
{
    std::byte* const memory = testing::take_fiber_stack();
    const VirtRange stack{address_of(memory), Bytes{testing::FiberContext::kStackSize}};
    stacks.emplace(stack.end().raw(), memory);
    return stack;
}

VirtRange fixed_stack(u32 index)
{
    const testing::Aside aside;
    if (fixed_stacks[index].is_empty())
        fixed_stacks[index] = take_stack();
    return fixed_stacks[index];
}

} // namespace

extern "C" [[noreturn]] void begin_thread(void* before);

void testing::reset_doubles()
{
    for (const auto& [end, memory] : stacks)
        give_fiber_stack_back(memory);
    stacks.clear();
    for (void* const object : objects)
        ::operator delete(object);
    objects.clear();
    fixed_stacks = {};
    used_percpu_memory = 0;
    percpu_memory_is_out = false;
    drained = {};
    console_lines.clear();
}

std::vector<std::string> testing::take_console()
{
    const Aside aside;
    std::vector<std::string> lines;
    lines.swap(console_lines);
    std::ranges::sort(lines);
    return lines;
}

void* testing::take_object(std::size_t size)
{
    void* const object = ::operator new(size);
    objects.insert(object);
    return object;
}

void testing::give_object_back(void* object)
{
    if (objects.erase(object) == 0)
        machine().fail("an object is freed that is none");
    ::operator delete(object);
}

std::byte* testing::memory_of_stack(VirtAddr end)
{
    return stacks.at(end.raw());
}

VirtRange cpu_stack(CpuId cpu)
{
    return fixed_stack(cpu.index());
}

VirtRange boot_thread_stack()
{
    return fixed_stack(testing::kMaxMachineCpus);
}

std::optional<VirtRange> allocate_thread_stack()
{
    const testing::Aside aside;
    return take_stack();
}

void free_thread_stack(VirtRange stack)
{
    const testing::Aside aside;
    const auto found = stacks.find(stack.end().raw());
    if (found == stacks.end())
        return testing::machine().fail("a stack is freed that is none");
    testing::give_fiber_stack_back(found->second);
    stacks.erase(found);
}

CpuId this_cpu_id()
{
    return CpuId{testing::machine().executing()};
}

u32 possible_cpu_count()
{
    return testing::machine().cpus();
}

void check_watchdog(u64) {}

void answer_backtrace_request(const arch::Registers&) {}

void console_write_line(std::string_view line)
{
    const testing::Aside aside;
    console_lines.emplace_back(line);
}

void panic_detail::panic(std::source_location where, std::string_view text, Arguments arguments)
{
    const testing::Aside aside;
    std::array<char, 400> room{};
    Writer out{room};
    format_arguments(out, text, arguments);
    static std::string why; // the stack is abandoned
    why = "panic: " + std::string{out.text()} + " in " + where.file_name();
    testing::machine().fail(why);
    std::abort();
}

void assertion_failed(const char* expression, std::source_location where)
{
    const testing::Aside aside;
    static std::string why; // the stack is abandoned
    why = std::string{"not true: "} + expression + " in " + where.file_name();
    testing::machine().fail(why);
    std::abort();
}

void put_address(Writer& out, VirtAddr address, AddressKind)
{
    format(out, "{}", address);
}

bool mm::root_agrees_with_master(CpuId)
{
    return true;
}

void percpu::drain_stocks()
{
    ++testing::drained[testing::machine().executing()][0];
}

void mm::drain_object_stock()
{
    ++testing::drained[testing::machine().executing()][1];
}

void mm::drain_page_cache()
{
    ++testing::drained[testing::machine().executing()][2];
}

namespace percpu {
namespace {

constexpr u64 kArena = 1 << 16;
struct Arena {
    alignas(64) std::array<std::byte, kArena> bytes{};
};
PERCIVAL_PERCPU Arena arena{};

} // namespace

Allocation detail::refuse(Bytes, Bytes, RequestError)
{
    return std::unexpected{Error::BadSize};
}

Allocation detail::allocate_of_class(Class, bool)
{
    const testing::Aside aside;
    u64& used = testing::used_percpu_memory;
    if (testing::percpu_memory_is_out || used + 64 > kArena)
        return std::unexpected{Error::NoMemory};
    const VirtAddr place = address_of(&arena.bytes[used]);
    used += 64;
    return place;
}

Allocation detail::allocate_plain(Request, bool may_block)
{
    return allocate_of_class(Class{1}, may_block);
}

void free(VirtAddr) {}

} // namespace percpu

namespace arch {

void relax()
{
    testing::machine().relax(__builtin_return_address(0));
}

void wait_for_interrupt()
{
    testing::machine().wait_for_interrupt();
}

bool interrupts_masked()
{
    return testing::machine().interrupts_masked();
}

void mask_interrupts()
{
    testing::machine().mask_interrupts();
}

void unmask_interrupts()
{
    testing::machine().unmask_interrupts();
}

void mask_all_exceptions()
{
    mask_interrupts();
}

void unmask_thread_exceptions()
{
    unmask_interrupts();
}

void stop()
{
    mask_interrupts();
    testing::machine().turn_off();
}

void* thread_pointer()
{
    const testing::Aside one_step;
    return testing::machine().thread_pointer();
}

extern "C" void* switch_context(u64* save_stack, u64 next_stack, void* next, void* before)
{
    const testing::Aside aside;
    testing::note_switch(next, before);
    auto*& save = *reinterpret_cast<testing::FiberContext**>(save_stack);
    return testing::machine().switch_context(save, *reinterpret_cast<testing::FiberContext*>(next_stack),
                                             next, before);
}

u64 first_context(VirtAddr top)
{
    const testing::Aside aside;
    return address_of(
               &testing::machine().new_context(testing::memory_of_stack(top),
                                               [] { begin_thread(testing::machine().begin_context()); }))
        .raw();
}

u64 timer_ticks()
{
    return testing::machine().read_clock();
}

u64 timer_frequency()
{
    return testing::kCountsPerSecond;
}

u32 timer_interrupt()
{
    return kTimerInterrupt;
}

void timer_set_alarm(u64 ticks)
{
    const testing::Aside aside;
    testing::machine().set_alarm(testing::machine().now() + ticks);
}

void timer_cancel_alarm()
{
    testing::machine().set_alarm(testing::kNever);
}

bool timer_rings()
{
    return testing::machine().alarm_rings();
}

void describe_cpu(Writer& out, u64 midr)
{
    format(out, "MIDR {:x}", midr);
}

AlarmMute::AlarmMute()
{
    testing::machine().mute_alarm(true);
}

AlarmMute::~AlarmMute()
{
    testing::machine().mute_alarm(false);
}

void enable_private_interrupt(u32)
{
    testing::machine().enable_alarm_interrupt(
        !testing::board.cpus[testing::machine().executing()].timer_stays_disabled);
}

void disable_private_interrupt(u32)
{
    testing::machine().enable_alarm_interrupt(false);
}

PrivateInterruptState private_interrupt_state(u32)
{
    // As a BCM2836 does, it tells only of an enabled interrupt whether it is pending.
    const bool is_enabled = testing::machine().alarm_interrupt_enabled();
    const bool is_raised = testing::machine().alarm_rings() ||
                           testing::board.cpus[testing::machine().executing()].another_raises_timer_interrupt;
    return {.enabled = is_enabled, .pending = is_enabled && is_raised, .active = false, .in_group_1 = true};
}

Acknowledged acknowledge_interrupt()
{
    const u32 taken = testing::machine().acknowledge();
    if (taken < testing::kIpis)
        return {taken, taken};
    return taken == testing::kIpis ? Acknowledged{kTimerInterrupt, kTimerInterrupt} : Acknowledged{};
}

void complete_interrupt(Acknowledged interrupt)
{
    if (interrupt.intid == kTimerInterrupt)
        testing::machine().complete_alarm();
}

void send_ipi(CpuId target, Ipi ipi)
{
    testing::machine().send_ipi(target.index(), static_cast<u32>(ipi));
}

} // namespace arch
} // namespace percival
