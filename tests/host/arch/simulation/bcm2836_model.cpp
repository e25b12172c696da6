// SPDX-License-Identifier: BSD-2-Clause
#include "arch/simulation/bcm2836_model.hpp"

#include "arch/cpu/cpu_identity.hpp"

#include <sstream>

namespace percival {
namespace {

constexpr u64 kController = ~u64{0xfff};

u32 playing_core()
{
    return static_cast<u32>(arch::played_affinity & 0xff);
}

} // namespace

InterruptControllerDescription Bcm2836Model::description() const
{
    InterruptControllerDescription controller;
    controller.kind = InterruptControllerKind::Bcm2836;
    controller.local = {PhysAddr{kLocal}, Bytes{0x100}};
    if (has_peripherals)
        controller.peripherals = {PhysAddr{kPeripherals}, Bytes{0x28}};
    return controller;
}

arch::InterruptControllerRegisters Bcm2836Model::registers() const
{
    arch::InterruptControllerRegisters registers;
    registers.local = arch::Mmio{VirtAddr{kLocal}};
    if (has_peripherals)
        registers.peripherals = arch::Mmio{VirtAddr{kPeripherals}};
    return registers;
}

void Bcm2836Model::wrong(std::string_view what, u64 address)
{
    std::ostringstream text;
    text << what << ": 0x" << std::hex << address;
    wrong_accesses.push_back(text.str());
}

void Bcm2836Model::check_owner(u32 core, u64 address)
{
    if (core != playing_core())
        wrong("access to another core's register", address);
}

u32 Bcm2836Model::source(u32 core) const
{
    const Core& own = cores[core];
    u32 pending = own.timer_lines & own.timer_control & 0xf;
    for (u32 mailbox = 0; mailbox < own.mailboxes.size(); ++mailbox) {
        const bool interrupts = own.mailboxes[mailbox] != 0 && (own.mailbox_control >> mailbox & 1) != 0;
        pending |= u32{interrupts} << (4 + mailbox);
    }
    pending |= (stale_mailbox_sources >> core & 1) << 4;
    bool of_peripherals = false;
    for (u32 word = 0; word < peripheral_lines.size(); ++word)
        of_peripherals = of_peripherals || (peripheral_lines[word] & peripheral_enables[word]) != 0;
    pending |= u32{of_peripherals && gpu_routing == core} << 8;
    pending |= (performance_lines & performance_routing) >> core << 9 & 1 << 9;
    pending |= u32{core == 0 && (bus_interrupt >> 20 & 1) != 0} << 10;
    pending |= u32{core == 0 && local_timer_rings && (local_timer_control >> 29 & 1) != 0} << 11;
    return pending;
}

// --- Writes arrive late

void Bcm2836Model::arrive()
{
    for (const Posted& write : posted_)
        take_effect(write);
    posted_.clear();
}

bool Bcm2836Model::arrive_at(u64 controller)
{
    const auto arrived = std::erase_if(posted_, [this, controller](const Posted& write) {
        if ((write.address & kController) != controller)
            return false;
        take_effect(write);
        return true;
    });
    return arrived != 0;
}

void Bcm2836Model::take_effect(const Posted& write)
{
    switch (write.address) {
    case kPeripherals + 0x0c:
        peripheral_fast = write.value;
        return;
    case kPeripherals + 0x1c:
    case kPeripherals + 0x20:
    case kPeripherals + 0x24:
        peripheral_enables[(write.address - kPeripherals - 0x1c) / 4] &= ~write.value;
        return;
    case kLocal + 0x14:
        performance_routing &= ~write.value;
        return;
    case kLocal + 0x30:
        bus_interrupt = write.value;
        return;
    case kLocal + 0x34:
        local_timer_control = write.value;
        return;
    case kLocal + 0x38:
        local_timer_rings = local_timer_rings && (write.value >> 31 & 1) == 0;
        return;
    default:
        return take_effect_on_core(write.address, static_cast<u32>(write.address - kLocal), write.value);
    }
}

void Bcm2836Model::take_effect_on_core(u64 address, u32 offset, u32 value)
{
    Core& word_of = cores[offset / 4 % kCores];
    Core& mailboxes_of = cores[offset / 16 % kCores];
    u32& mailbox = mailboxes_of.mailboxes[offset / 4 % 4];
    if (offset >= 0x40 && offset < 0x50) {
        word_of.timer_control = value;
    } else if (offset >= 0x50 && offset < 0x60) {
        for (u32 number = 0; number < 4; ++number) {
            if ((value >> number & 0x11) != 0 && word_of.mailboxes[number] != 0)
                wrong("a mailbox interrupts before it is empty", address);
        }
        word_of.mailbox_control = value;
    } else if (offset >= 0x80 && offset < 0xc0) {
        mailbox |= value;
    } else {
        mailbox &= ~value;
    }
}

// --- Accesses

u64 Bcm2836Model::read(u64 address, u32 bits)
{
    if (bits != 32)
        wrong("64-bit read", address);
    // What the caller has to know comes from a mailbox, or is that its writes have arrived.
    const bool is_mailbox = address >= kLocal + 0xc0 && address < kLocal + 0x100;
    read_is_unfinished_ = arrive_at(address & kController) || is_mailbox || read_is_unfinished_;
    if (address == kPeripherals + 0x0c && has_peripherals)
        return peripheral_fast;
    const auto offset = static_cast<u32>(address - kLocal);
    if (address < kLocal || offset >= 0x100 || offset % 4 != 0 || offset < 0x40 ||
        (offset >= 0x70 && offset < 0xc0)) {
        wrong("read of no register that the driver needs", address);
        return 0;
    }
    const u32 core = offset >= 0xc0 ? offset / 16 % kCores : offset / 4 % kCores;
    check_owner(core, address);
    if (offset < 0x50)
        return cores[core].timer_control;
    if (offset < 0x60)
        return cores[core].mailbox_control;
    return offset < 0x70 ? source(core) : cores[core].mailboxes[offset / 4 % 4];
}

void Bcm2836Model::write(u64 address, u64 value, u32 bits)
{
    if (bits != 32)
        wrong("64-bit write", address);
    const auto offset = static_cast<u32>(address - kLocal);
    const bool is_peripheral =
        has_peripherals && (address == kPeripherals + 0x0c || address == kPeripherals + 0x1c ||
                            address == kPeripherals + 0x20 || address == kPeripherals + 0x24);
    const bool is_general = address >= kLocal && (offset == 0x14 || (offset >= 0x30 && offset < 0x3c));
    const bool is_of_core = address >= kLocal && offset < 0x100 && (offset >= 0x80 || offset / 0x20 == 2);
    if (address % 4 != 0 || !(is_peripheral || is_general || is_of_core))
        return wrong("write of no register that the driver needs", address);
    if (is_of_core && (offset < 0x80 || offset >= 0xc0))
        check_owner(offset >= 0xc0 ? offset / 16 % kCores : offset / 4 % kCores, address);
    if (is_of_core && offset >= 0x80 && offset < 0xc0 && stores_are_outstanding_)
        wrong("IPI before the stores that its handler must see", address);
    posted_.push_back({address, static_cast<u32>(value)});
}

u64 Bcm2836Model::read_system(std::string_view name)
{
    wrong_accesses.push_back("read of " + std::string{name});
    return 0;
}

void Bcm2836Model::write_system(std::string_view name, u64)
{
    wrong_accesses.push_back("write of " + std::string{name});
}

void Bcm2836Model::dsb(arch::Shareability shareability, arch::Access access)
{
    stores_are_outstanding_ = false;
    if (shareability == arch::Shareability::FullSystem && access == arch::Access::Any)
        read_is_unfinished_ = false;
}

} // namespace percival
