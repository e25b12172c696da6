// SPDX-License-Identifier: BSD-2-Clause
#include "boot/refuse.hpp"

#include "arch/arm64/devices/psci.hpp"
#include "arch/cpu/exception_level.hpp"
#include "arch/cpu/floating_point.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/poll.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/power.hpp"
#include "arch/devices/uart.hpp"
#include "arch/devices/watchdog.hpp"
#include "boot/loader_memory.hpp"
#include "kernel/boot_arguments/boot_arguments.hpp"
#include "kernel/device_tree/device_tree.hpp"
#include "kernel/device_tree/salvage.hpp"
#include "kernel/report/verdict.hpp"
#include "linker/symbols.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/image/boot_tables.hpp"
#include "mm/image/uefi_handoff.hpp"

#include <memory>

namespace percival::boot {
namespace {

using arch::IdAa64Mmfr0;

// What a refusal does, in this order. The order is the reason why everything that may raise an exception is a
// step: the steps behind it happen in any case.
enum class Step : u32 {
    ReadTree,
    SearchTree,
    Print,
    ExitBySemihosting,
    AskFirmware,
    AskFirmwareBySmc,
    AskFirmwareByHvc,
    ResetByWatchdog,
};

// Uninitialized storage: a constant-initialized description would contain absolute addresses of its default
// strings.
alignas(MachineDescription) constinit std::byte machine_storage[sizeof(MachineDescription)] = {};

// The refusal in progress. Static, because an exception abandons the stack.
constinit bool refusing = false;
constinit bool image_is_cut = false;
constinit bool tree_is_read = false;     // without an error
constinit bool tree_is_searched = false; // for what a refusal needs
constinit u32 steps_begun = 0;
constinit std::array<char, 200> reason_room = {};
constinit std::size_t reason_size = 0;

MachineDescription& machine()
{
    // SAFETY: refuse() constructs the description in this storage.
    return *std::launder(reinterpret_cast<MachineDescription*>(machine_storage));
}

// Adds the distance between the linked and the actual address of the image to each entry of the global offset
// table. libfdt finds its stack canary through this table, which holds link-time addresses. With the MMU off
// they have to be load addresses. The kernel proper will not run, so nothing needs the old values.
void move_offset_table_to_the_load_address()
{
    const u64 distance = address_of(_image_start).raw() - mm::KernelLayout::kImageWindow.base.raw();
    for (u64* entry = _got; entry != _egot; ++entry) {
        if (*entry != 0)
            *entry += distance;
    }
}

bool granule_is_supported()
{
    const u64 mmfr0 = IdAa64Mmfr0::read().raw;
    switch (mm::kKernelGranule) {
    case mm::Granule::K4:
        return arch::signed_field<IdAa64Mmfr0::kTGran4High, IdAa64Mmfr0::kTGran4Low>(mmfr0) >= 0;
    case mm::Granule::K16:
        return IdAa64Mmfr0::TGran16::of(mmfr0) != 0;
    case mm::Granule::K64:
        return arch::signed_field<IdAa64Mmfr0::kTGran64High, IdAa64Mmfr0::kTGran64Low>(mmfr0) >= 0;
    }
    return false;
}

// A function instead of a constant: a pointer in static storage would be an absolute address.
std::string_view no_granule()
{
    switch (mm::kKernelGranule) {
    case mm::Granule::K4:
        return "this CPU has no 4 KiB granule (ID_AA64MMFR0_EL1.TGran4)";
    case mm::Granule::K16:
        return "this CPU has no 16 KiB granule (ID_AA64MMFR0_EL1.TGran16)";
    case mm::Granule::K64:
        return "this CPU has no 64 KiB granule (ID_AA64MMFR0_EL1.TGran64)";
    }
    return "";
}

bool tree_is_at_a_possible_address()
{
    return handoff.device_tree != PhysAddr{0} && handoff.device_tree.is_aligned(Bytes{kDeviceTreeAlignment});
}

std::span<const std::byte> tree_header()
{
    return loader_memory(handoff.device_tree, Bytes{kDeviceTreeHeaderBytes});
}

void read_tree()
{
    // libfdt lies at the end of the text, and its stack canary behind that.
    if (image_is_cut || !tree_is_at_a_possible_address())
        return;
    const auto size = device_tree_size(tree_header());
    if (!size)
        return;
    move_offset_table_to_the_load_address();
    // The tree reader calls library code, which may use FP registers.
    arch::allow_floating_point();
    // After an error, too, the description has the UART and the ways to end the run, as far as the tree has
    // them.
    tree_is_read =
        read_device_tree(loader_memory(handoff.device_tree, *size), machine(), uefi_handoff.facts())
            .has_value();
    tree_is_searched = true;
}

void search_tree()
{
    if (tree_is_searched || !tree_is_at_a_possible_address())
        return;
    const Bytes size = size_of_damaged_device_tree(tree_header());
    salvage_device_tree(loader_memory(handoff.device_tree, size), machine());
}

void put(arch::Uart& uart, std::string_view text)
{
    for (char c : text)
        // Qualified: a virtual call would go through a link-time address.
        uart.Uart::put(c);
}

void print_reason()
{
    if (machine().uart.kind == UartKind::None)
        return;
    arch::Uart uart;
    uart.init(machine().uart, arch::Mmio{VirtAddr{machine().uart.registers.base.raw()}});
    put(uart, "Percival cannot run here: ");
    put(uart, {reason_room.data(), reason_size});
    put(uart, "\npercival: verdict: panic\n");
    uart.Uart::drain();
}

// Without a tree there is no verdict argument either. The instruction that asks a semihosting host is
// undefined where there is none, so asking does no harm.
VerdictChoice wanted_end()
{
    const std::string_view text = machine().boot_arguments;
    if (text.empty())
        return tree_is_read ? VerdictChoice::PowerOff : VerdictChoice::Semihosting;
    if (!image_is_cut)
        return BootArguments{text}.choice(BootArgumentTable::kVerdict).value;
    // The table of arguments may be missing.
    if (text.find("verdict=semihosting") != std::string_view::npos)
        return VerdictChoice::Semihosting;
    return text.find("verdict=reset") != std::string_view::npos ? VerdictChoice::Reset
                                                                : VerdictChoice::PowerOff;
}

// A machine that nothing is known of may still have firmware.
bool firmware_may_be_unknown()
{
    return !tree_is_read && machine().psci == PsciConduit::None;
}

void ask_to_end(arch::Psci psci)
{
    // At EL3 a call would come back here.
    if (arch::exception_level() == 3 || psci.is_v01())
        return;
    if (wanted_end() == VerdictChoice::Reset)
        psci.system_reset();
    else
        psci.system_off();
}

// The watchdogs are known only if the tree was read. The MMU is off, so their registers are where the tree
// says.
void reset_by_watchdog()
{
    for (const WatchdogDescription& description : machine().watchdogs) {
        const arch::Mmio registers{VirtAddr{description.registers.base.raw()}};
        arch::Watchdog{description, registers}.start_reset();
        static_cast<void>(arch::poll_until([] { return false; }, 10 * arch::kPollLimit));
    }
}

void take(Step step)
{
    switch (step) {
    case Step::ReadTree:
        return read_tree();
    case Step::SearchTree:
        return search_tree();
    case Step::Print:
        return print_reason();
    case Step::ExitBySemihosting:
        if (wanted_end() == VerdictChoice::Semihosting)
            arch::semihosting_exit(static_cast<u32>(Verdict::Panic));
        return;
    case Step::AskFirmware:
        return ask_to_end({machine().psci, machine().psci_v01_cpu_on});
    // SMC is undefined where there is no EL3.
    case Step::AskFirmwareBySmc:
        if (firmware_may_be_unknown())
            ask_to_end({PsciConduit::Smc, 0});
        return;
    // What was at EL2 is gone if the kernel was entered there.
    case Step::AskFirmwareByHvc:
        if (firmware_may_be_unknown() && handoff.entered_at_el2 == 0)
            ask_to_end({PsciConduit::Hvc, 0});
        return;
    case Step::ResetByWatchdog:
        if (wanted_end() == VerdictChoice::Reset)
            reset_by_watchdog();
        return;
    }
}

[[noreturn]] void continue_refusal()
{
    while (steps_begun <= static_cast<u32>(Step::ResetByWatchdog))
        take(static_cast<Step>(steps_begun++));
    arch::stop();
}

} // namespace

void refuse(std::string_view reason)
{
    refusing = true;
    // SAFETY: the storage has the size and alignment of the description.
    std::construct_at(reinterpret_cast<MachineDescription*>(machine_storage));
    Writer text{reason_room};
    text.put(reason);
    reason_size = text.text().size();
    continue_refusal();
}

void refuse_cut_image()
{
    image_is_cut = true;
    refuse("the Image is cut short: the loader has not loaded its end");
}

// Called by boot/start.S for an exception between the kernel's first instruction and the MMU. The stack is
// empty again.
extern "C" [[noreturn]] void boot_handle_exception(u64 syndrome, u64 at)
{
    if (refusing)
        continue_refusal();
    std::array<char, 120> room;
    Writer text{room};
    text.put("an exception before the MMU is on, with syndrome ");
    put_hex(text, syndrome, 16);
    text.put(" at P:");
    put_hex(text, at, 16);
    refuse(text.text());
}

// Called by boot/start.S with the loader's x0 if the loader entered at EL3.
extern "C" [[noreturn]] void boot_refuse_el3(u64 device_tree)
{
    handoff.device_tree = PhysAddr{device_tree};
    refuse("the loader entered at EL3 instead of EL2 or EL1");
}

// Only the granule can be missing. Every AArch64 CPU translates 48 bits, and a build for 52 bits is folded on
// CPUs that translate only 48 (mm/address_space/fold.hpp).
void refuse_unless_translation_is_supported()
{
    if (!granule_is_supported())
        refuse(no_granule());
}

} // namespace percival::boot
