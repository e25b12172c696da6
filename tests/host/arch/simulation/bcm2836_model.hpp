// SPDX-License-Identifier: BSD-2-Clause
// A model of the local interrupt controller of a BCM2836 (Broadcom QA7) and of the controller of peripheral
// interrupts beside it (BCM2835 ARM Peripherals, 7), as four cores see them. It holds what a test leaves in
// it, as whoever ran before the kernel does. arch::played_affinity says which core accesses.
//
// The model is as strict as the architecture allows hardware to be. It notes an access in `wrong_accesses` if
// there is no such register, if only another core may access it, or if it comes before the one that must
// precede it. A write arrives as late as Device-nGnRE memory allows: with the next read of the same
// controller. A DSB alone does not wait for it, but a read and a DSB do.
#pragma once

#include "arch/devices/interrupt_controller.hpp"
#include "arch/simulation/register_model.hpp"

#include <array>
#include <string>
#include <vector>

namespace percival {

class Bcm2836Model final : public arch::RegisterModel {
public:
    static constexpr u32 kCores = 4;

    struct Core {
        u32 timer_control;
        u32 mailbox_control;
        std::array<u32, 4> mailboxes;
        u32 timer_lines; // a bit for each timer that rings
    };

    // --- What the test sets up and looks at

    std::array<Core, kCores> cores{};
    u32 performance_routing{0};
    u32 bus_interrupt{0};
    u32 local_timer_control{0};
    bool local_timer_rings{false};
    u32 performance_lines{0}; // a bit for each core
    u32 gpu_routing{0};       // the core that gets the peripheral interrupts
    std::array<u32, 3> peripheral_lines{};
    std::array<u32, 3> peripheral_enables{};
    u32 peripheral_fast{0};
    bool has_peripherals{true};
    u32 stale_mailbox_sources{0}; // cores whose source register still shows an empty mailbox 0
    std::vector<std::string> wrong_accesses{};

    // Notes that the CPU makes stores that the handler of its next IPI must see.
    void make_stores() { stores_are_outstanding_ = true; }
    // Lets the writes arrive that are on their way.
    void arrive();
    // Returns whether every write has arrived, and whoever made it knows.
    bool has_settled() const { return posted_.empty() && !read_is_unfinished_; }
    // Returns the core's source register.
    u32 source(u32 core) const;

    // What the driver is told of this machine.
    InterruptControllerDescription description() const;
    arch::InterruptControllerRegisters registers() const;

    // --- RegisterModel

    u64 read(u64 address, u32 bits) override;
    void write(u64 address, u64 value, u32 bits) override;
    u64 read_system(std::string_view name) override;
    void write_system(std::string_view name, u64 value) override;
    void dsb(arch::Shareability shareability, arch::Access access) override;

private:
    static constexpr u64 kLocal = 0x1000'0000;
    static constexpr u64 kPeripherals = 0x2000'0000;

    struct Posted {
        u64 address;
        u32 value;
    };

    void wrong(std::string_view what, u64 address);
    void check_owner(u32 core, u64 address);
    // Lets the writes to one of the two controllers arrive. Returns whether there were any.
    bool arrive_at(u64 controller);
    void take_effect(const Posted& write);
    void take_effect_on_core(u64 address, u32 offset, u32 value);

    std::vector<Posted> posted_{};
    bool read_is_unfinished_{false}; // until a DSB
    bool stores_are_outstanding_{false};
};

} // namespace percival
