// SPDX-License-Identifier: BSD-2-Clause
#include "boot/refuse.hpp"

#include "arch/cpu/floating_point.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/pl011.hpp"
#include "arch/devices/power.hpp"
#include "kernel/device_tree/boot_arguments.hpp"
#include "kernel/device_tree/device_tree.hpp"
#include "kernel/report/verdict.hpp"
#include "linker/symbols.hpp"
#include "mm/address_space/kernel_geometry.hpp"
#include "mm/image/boot_tables.hpp"

#include <memory>

namespace percival::boot {
namespace {

using arch::IdAa64Mmfr0;

// Storage only: a constant-initialized description would hold absolute addresses of its default strings.
alignas(MachineDescription) constinit std::byte machine_storage[sizeof(MachineDescription)] = {};

// The library was compiled to find its stack canary through the global offset table, which holds link-time
// addresses. Without the MMU they have to be where the image really is; the kernel will not run, so nothing
// needs them as they were.
void move_offset_table_to_the_load_address()
{
    const u64 distance = address_of(_image_start).raw() - mm::KernelLayout::kImageWindow.base.raw();
    for (u64* entry = _got; entry != _egot; ++entry) {
        if (*entry != 0)
            *entry += distance;
    }
}

void put(arch::Pl011& uart, const char* text)
{
    for (; *text != '\0'; ++text)
        uart.Pl011::put(
            *text); // qualified: a virtual call would go through an address the image does not have yet
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

// A function and not a constant: a pointer in static storage would be an absolute address.
const char* no_granule()
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

} // namespace

void refuse(const char* reason)
{
    move_offset_table_to_the_load_address();
    // The tree reader is library code that may use FP registers.
    arch::allow_floating_point();
    // SAFETY: with the MMU off a physical address is a pointer; nothing is read unless a tree is there.
    const auto* tree = reinterpret_cast<const std::byte*>(handoff.device_tree.raw());
    // SAFETY: aligned and large enough for the description that is made there.
    MachineDescription& machine = *std::construct_at(reinterpret_cast<MachineDescription*>(machine_storage));
    const bool described =
        handoff.device_tree_size != Bytes{0} &&
        read_device_tree({tree, static_cast<std::size_t>(handoff.device_tree_size.count())}, machine)
            .has_value();
    if (described && machine.uart.kind == UartKind::Pl011) {
        arch::Pl011 uart;
        uart.init(arch::Mmio{VirtAddr{machine.uart.registers.base.raw()}});
        put(uart, "Percival cannot run here: ");
        put(uart, reason);
        put(uart, "\npercival: verdict: panic\n");
        uart.Pl011::drain();
    }
    if (described) {
        const BootArguments arguments{machine.boot_arguments};
        if (arguments.choice(BootArgumentTable::kVerdict).value == VerdictChoice::Semihosting)
            arch::semihosting_exit(static_cast<u32>(Verdict::Panic));
        arch::power_init(machine.psci);
        arch::power_off();
    }
    arch::stop();
}

// 48 bits every AArch64 CPU translates, and a build for 52 is folded where they are not there
// (mm/address_space/fold.hpp), so only the granule can be missing.
void refuse_unless_translation_is_supported()
{
    if (!granule_is_supported())
        refuse(no_granule());
}

} // namespace percival::boot
