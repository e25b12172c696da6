// SPDX-License-Identifier: BSD-2-Clause
// Driver of the local interrupt controller of the BCM2836 and BCM2837 (Broadcom QA7, "ARM Quad A7 core"). It
// serves four cores. Each core has a register that names the sources of its IRQ, enables of its timers'
// interrupts, and four mailboxes: words in which every core can set bits, and which interrupt their core
// while they are not zero. Mailbox 0 carries the IPIs, a bit for each. There are no priorities, and no
// interrupt is active: a source interrupts until it is quiet.
//
// The interrupts of all peripherals come as one source, from another controller (BCM2835 ARM Peripherals, 7).
// The kernel uses none of them, so this driver only disables what whoever ran before has left there.
#include "arch/arm64/devices/interrupt_controller_driver.hpp"
#include "arch/cpu/barrier.hpp"
#include "arch/cpu/cpu_identity.hpp"
#include "arch/cpu/poll.hpp"
#include "arch/cpu/sysreg.hpp"

#include <array>
#include <bit>

namespace percival::arch {
namespace {

constexpr u32 kCores = 4;

// Registers of the whole controller (QA7, 4).
constexpr u32 kPerformanceRoutingClear = 0x14; // for each core the bit of its IRQ, and four above of its FIQ
constexpr u32 kBusInterrupt = 0x30;            // AXI outstanding interrupts
constexpr u32 kLocalTimerControl = 0x34;
constexpr u32 kLocalTimerFlags = 0x38;
constexpr Bytes kLocalSize{0x100};
// Registers of core 0. Those of the other cores follow, a word or four mailboxes for each.
constexpr u32 kTimerControl = 0x40;   // four timers' IRQ enables, and above them their FIQ enables
constexpr u32 kMailboxControl = 0x50; // the same of four mailboxes
constexpr u32 kSource = 0x60;
constexpr u32 kMailboxSet = 0x80;
constexpr u32 kMailboxClear = 0xc0; // reads as what is set
constexpr u32 kMailboxes = 4;

constexpr u32 kMailbox0 = 1;       // in kMailboxControl
constexpr u32 kTimerSources = 0xf; // in kSource, and the enables in kTimerControl
constexpr u32 kIpiSource = 1 << 4; // mailbox 0
constexpr u32 kClearLocalTimer = u32{1} << 31;

// Registers of the controller of peripheral interrupts.
constexpr u32 kFastInterrupt = 0x0c;
constexpr std::array kPeripheralDisables{0x1cu, 0x20u, 0x24u};

// The part of MPIDR_EL1 that numbers the cores of the one cluster.
using CoreNumber = Field<7, 0>;

// Returns the number of the calling core.
u32 own_core()
{
    return static_cast<u32>(CoreNumber::of(affinity()));
}
// Return the offset of a core's register of one word, and of one of its mailboxes.
constexpr u32 word_of(u32 first, u32 core)
{
    return first + 4 * core;
}
constexpr u32 mailbox_of(u32 first, u32 core, u32 mailbox = 0)
{
    return first + 4 * (kMailboxes * core + mailbox);
}
constexpr u32 timer_bit(u32 intid)
{
    return u32{1} << (intid - kFirstPrivateInterrupt) & kTimerSources;
}

// Not a member of the driver: its vtable pointer would move it from .bss into the image.
constinit std::array<u32, kMaxCpus> core_of_cpu{};

class Bcm2836 final : public InterruptControllerDriver {
public:
    InterruptControllerResult init(const InterruptControllerDescription& controller,
                                   const InterruptControllerRegisters& registers) override;
    InterruptControllerResult init_cpu(CpuId self, u64 mpidr) override;
    void leave_cpu() override;
    void enable_private(u32 intid) override;
    void disable_private(u32 intid) override;
    PrivateInterruptState private_state(u32 intid) override;
    Acknowledged acknowledge() override;
    void complete(Acknowledged) override {}
    void send(CpuId target, Ipi ipi) override;
    std::string_view name() const override { return name_of(InterruptControllerKind::Bcm2836); }

private:
    void write_and_settle(u32 offset, u32 value);
    u32 take_ipi();

    Mmio local_{};
};

// A write to a device may be acknowledged before it has arrived (Device-nGnRE). A read of the same device
// completes only after it, and the DSB completes the read before anything that follows.
void Bcm2836::write_and_settle(u32 offset, u32 value)
{
    local_.write32(offset, value);
    static_cast<void>(local_.read32(word_of(kSource, own_core())));
    dsb<Shareability::FullSystem>();
}

InterruptControllerResult Bcm2836::init(const InterruptControllerDescription& controller,
                                        const InterruptControllerRegisters& registers)
{
    if (controller.local.size < kLocalSize)
        return std::unexpected{"the device tree's BCM2836 controller has less than 256 bytes of registers"};
    local_ = registers.local;
    local_.write32(kPerformanceRoutingClear, 0xff);
    local_.write32(kBusInterrupt, 0);
    local_.write32(kLocalTimerControl, 0);
    local_.write32(kLocalTimerFlags, kClearLocalTimer);
    if (!controller.peripherals.is_empty()) {
        registers.peripherals.write32(kFastInterrupt, 0);
        for (const u32 disable : kPeripheralDisables)
            registers.peripherals.write32(disable, ~u32{0});
        // Completes the disables: they are of another device than the registers that are read below.
        static_cast<void>(registers.peripherals.read32(kFastInterrupt));
        dsb<Shareability::FullSystem>();
    }
    return {};
}

InterruptControllerResult Bcm2836::init_cpu(CpuId self, u64 mpidr)
{
    const auto core = static_cast<u32>(CoreNumber::of(mpidr));
    if (core >= kCores)
        return std::unexpected{"a BCM2836 serves four CPUs, this one's number (MPIDR Aff0) is beyond them"};
    core_of_cpu[self.index()] = core;

    local_.write32(word_of(kTimerControl, core), 0);
    local_.write32(word_of(kMailboxControl, core), 0);
    for (u32 mailbox = 0; mailbox < kMailboxes; ++mailbox)
        local_.write32(mailbox_of(kMailboxClear, core, mailbox), ~u32{0});
    write_and_settle(word_of(kMailboxControl, core), kMailbox0);
    // Nobody could end the interrupt of a source that is left now.
    if (!poll_until([=, this] { return local_.read32(word_of(kSource, core)) == 0; }))
        return std::unexpected{"another device than a timer interrupts this CPU, and the device tree has no "
                               "controller (brcm,bcm2836-armctrl-ic) that disables it"};
    return {};
}

void Bcm2836::leave_cpu()
{
    local_.write32(word_of(kTimerControl, own_core()), 0);
    write_and_settle(word_of(kMailboxControl, own_core()), 0);
}

// Only the core itself writes its enables, with interrupts masked or from one thread.
void Bcm2836::enable_private(u32 intid)
{
    const u32 control = word_of(kTimerControl, own_core());
    write_and_settle(control, local_.read32(control) | timer_bit(intid));
}

// The core can take the interrupt until the write has taken effect.
void Bcm2836::disable_private(u32 intid)
{
    const u32 control = word_of(kTimerControl, own_core());
    write_and_settle(control, local_.read32(control) & ~timer_bit(intid));
}

PrivateInterruptState Bcm2836::private_state(u32 intid)
{
    const auto bit = [=, this](u32 first) {
        return (local_.read32(word_of(first, own_core())) & timer_bit(intid)) != 0;
    };
    return {.enabled = bit(kTimerControl), .pending = bit(kSource), .active = false, .in_group_1 = {}};
}

// Takes one IPI out of the calling core's mailbox, and whatever is no IPI: it would interrupt for ever.
// Returns the IPI's bit, or 0 if there is none.
//
// The bit is cleared before the handler runs. What is sent after that is another IPI; what was sent before
// has its stores made before, and the handler sees them.
u32 Bcm2836::take_ipi()
{
    const u32 mailbox = mailbox_of(kMailboxClear, own_core());
    const u32 set = local_.read32(mailbox);
    const u32 ipis = set & kIpiBits;
    const u32 first = ipis & (~ipis + 1);
    write_and_settle(mailbox, first | (set & ~kIpiBits));
    return first;
}

Acknowledged Bcm2836::acknowledge()
{
    const u32 sources = local_.read32(word_of(kSource, own_core()));
    // The source of a mailbox may fall late.
    if ((sources & kIpiSource) != 0) {
        if (const u32 ipi = take_ipi(); ipi != 0) {
            const auto number = static_cast<u32>(std::countr_zero(ipi));
            return {number, number};
        }
    }
    const u32 others = sources & ~kIpiSource;
    if (others == 0)
        return {};
    const u32 number = kFirstPrivateInterrupt + static_cast<u32>(std::countr_zero(others));
    return {number, number};
}

void Bcm2836::send(CpuId target, Ipi ipi)
{
    // The target's handler must see the stores that this CPU made before it sends the interrupt.
    dsb<Shareability::InnerShareable, Access::Store>();
    local_.write32(mailbox_of(kMailboxSet, core_of_cpu[target.index()]), ipi_bit(ipi));
}

constinit Bcm2836 driver;

} // namespace

InterruptControllerDriver& bcm2836_driver()
{
    return driver;
}

} // namespace percival::arch
