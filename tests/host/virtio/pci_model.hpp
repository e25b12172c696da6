// SPDX-License-Identifier: BSD-2-Clause
// A strict model of a PCI bus behind ECAM: a function takes only the writes that a driver may do, answers
// only where its BARs are once it is told to, and each address belongs to one function at most.
#pragma once

#include "arch/simulation/register_model.hpp"
#include "kernel/pci/host.hpp"

#include <array>
#include <map>
#include <utility>

namespace percival {

inline constexpr u64 kEcam = 0x40'1000'0000;
inline constexpr u64 kLowWindow = 0x1000'0000; // for the CPU
inline constexpr u64 kLowOnTheBus = 0x8000'0000;
inline constexpr u64 kHighWindow = 0x80'0000'0000;

// A host with both windows, which has these addresses.
PciHostDescription pci_host(Bytes low = 16_MiB, Bytes high = 1_GiB);

class PciFunctionModel {
public:
    PciFunctionModel(u16 vendor, u16 device);
    virtual ~PciFunctionModel() = default;
    PciFunctionModel(const PciFunctionModel&) = delete;
    PciFunctionModel& operator=(const PciFunctionModel&) = delete;

    u32 read(u32 offset, u32 bits) const;
    void write(u32 offset, u32 value, u32 bits);

    // Accesses to a BAR.
    virtual u64 read_register(u32 bar, u64 offset, u32 bits);
    virtual void write_register(u32 bar, u64 offset, u64 value, u32 bits);

    // Sets what is read there, whoever may write it.
    void put8(u32 offset, u8 value) { bytes_[offset] = value; }
    void put16(u32 offset, u16 value);
    void put32(u32 offset, u32 value);
    // Makes BAR `at` keep the bits of `mask`; `low` are those below, which are constant.
    void add_bar(u32 at, u32 mask, u32 low);
    void add_wide_bar(u32 at, u64 size);

    u16 command() const { return static_cast<u16>(read(4, 16)); }
    bool answers() const { return (command() & 2) != 0; }
    bool may_access_memory() const { return (command() & 4) != 0; }
    // Where a memory BAR is on the bus, and its size; 0: there is none.
    std::pair<u64, u64> bar(u32 at) const;

private:
    std::array<u8, 256> bytes_{};
    std::array<u32, kPciBars> masks_{};
};

class PciBusModel : public arch::RegisterModel {
public:
    void add(u8 device, u8 function, PciFunctionModel& model) { functions_[device * 8 + function] = &model; }

    u64 read(u64 address, u32 bits) override;
    void write(u64 address, u64 value, u32 bits) override;
    u64 read_system(std::string_view) override { return 0; }
    void write_system(std::string_view, u64) override {}

private:
    // The function whose BAR contains the address, the BAR, and the offset in it.
    struct Target {
        PciFunctionModel* function{nullptr};
        u32 bar{0};
        u64 offset{0};
    };
    Target target_of(u64 address) const;

    std::map<u32, PciFunctionModel*> functions_{};
};

} // namespace percival
