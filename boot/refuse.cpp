// SPDX-License-Identifier: BSD-2-Clause
#include "boot/refuse.hpp"

#include "arch/cpu/floating_point.hpp"
#include "arch/cpu/id_registers.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/pl011.hpp"
#include "arch/devices/power.hpp"
#include "boot/loader_memory.hpp"
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

// Uninitialized storage: a constant-initialized description would contain absolute addresses of its default
// strings.
alignas(MachineDescription) constinit std::byte machine_storage[sizeof(MachineDescription)] = {};

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

void put(arch::Pl011& uart, const char* text)
{
    for (; *text != '\0'; ++text)
        // Qualified: a virtual call would go through a link-time address.
        uart.Pl011::put(*text);
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
    // The tree reader calls library code, which may use FP registers.
    arch::allow_floating_point();
    // SAFETY: the storage has the size and alignment of the description, which is constructed here.
    MachineDescription& machine = *std::construct_at(reinterpret_cast<MachineDescription*>(machine_storage));
    const bool described =
        handoff.device_tree_size != Bytes{0} &&
        read_device_tree(loader_memory(handoff.device_tree, handoff.device_tree_size), machine).has_value();
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

// Only the granule can be missing. Every AArch64 CPU translates 48 bits, and a build for 52 bits is folded on
// CPUs that translate only 48 (mm/address_space/fold.hpp).
void refuse_unless_translation_is_supported()
{
    if (!granule_is_supported())
        refuse(no_granule());
}

} // namespace percival::boot
