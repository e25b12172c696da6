// SPDX-License-Identifier: BSD-2-Clause
// A PCI host: finds the functions of its first bus, and gives their BARs addresses. Threads, one at a time.
// A host that does not answer may raise a fault: the caller catches it.
//
// Only the first bus is looked at: what is behind a bridge stays unknown, and silent. BARs for I/O ports
// stay unset, and so does the expansion ROM.
//
// INV-pci_host-1: once take_over() has returned, only functions that start() has returned for answer at
//     addresses of a window, each at its own, whatever firmware has set.
#pragma once

#include "kernel/device_tree/machine.hpp"
#include "kernel/pci/function.hpp"

#include <array>
#include <expected>
#include <string_view>

namespace percival {

inline constexpr u32 kPciBars = 6;

// Where a function's BARs lie for the CPU. A range is empty if there is no such BAR, if it is for I/O ports,
// or if it is the upper half of the one before.
using PciBars = std::array<PhysRange, kPciBars>;

class PciHost {
public:
    static constexpr Bytes kConfigurationOfBus = 1_MiB;

    // `bus` is the configuration space of the host's first bus.
    PciHost(const PciHostDescription& description, arch::Mmio bus);

    // Calls visit(const PciFunction&) for each function of the bus.
    template <class Visit>
    void for_each_function(Visit visit) const
    {
        for (u8 device = 0; device < 32; ++device) {
            const PciFunction first{bus_, {device, 0}};
            if (!first.is_there())
                continue;
            visit(first);
            for (u8 number = 1; first.has_more_functions() && number < 8; ++number) {
                if (const PciFunction function{bus_, {device, number}}; function.is_there())
                    visit(function);
            }
        }
    }

    // Stops all functions but the host's own. Nothing is written before, so a bus that is only looked at
    // stays as firmware has left it.
    void take_over() const;

    // Gives the BARs of a stopped function addresses, and starts it; after take_over(). After an error, which
    // is a sentence's end such as "has a BAR without a size", it stays stopped.
    std::expected<PciBars, std::string_view> start(const PciFunction& function);

private:
    // The free rest of a window: addresses are given out from its start.
    struct Rest {
        u64 bus{0}; // the bus address where it begins
        Bytes size{};
        PhysAddr cpu{};

        PhysRange take(Bytes wanted, u64& bus_address);
    };
    struct Bar {
        Bytes size{}; // 0: there is none
        bool is_wide{false};
    };

    static std::expected<Bar, std::string_view> measure(const PciFunction& function, u32 at);
    PhysRange take(const Bar& bar, u64& bus_address);

    arch::Mmio bus_;
    Rest low_{};
    Rest high_{};
};

} // namespace percival
