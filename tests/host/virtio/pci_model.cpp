// SPDX-License-Identifier: BSD-2-Clause
#include "virtio/pci_model.hpp"

#include <gtest/gtest.h>

namespace percival {
namespace {

constexpr u32 kBars = 0x10;
constexpr u16 kWritableCommand = 0x407;

u32 ones(u32 bits)
{
    return static_cast<u32>((u64{1} << bits) - 1);
}

} // namespace

PciHostDescription pci_host(Bytes low, Bytes high)
{
    return {.configuration = {PhysAddr{kEcam}, 256_MiB},
            .first_bus = 0,
            .last_bus = 255,
            .low = {{PhysAddr{kLowWindow}, low}, kLowOnTheBus},
            .high = {{PhysAddr{kHighWindow}, high}, kHighWindow},
            .is_coherent = true,
            .has_iommu = false};
}

PciFunctionModel::PciFunctionModel(u16 vendor, u16 device)
{
    put16(0, vendor);
    put16(2, device);
    put16(4, 0x7); // as firmware may leave it
}

void PciFunctionModel::put16(u32 offset, u16 value)
{
    put8(offset, static_cast<u8>(value));
    put8(offset + 1, static_cast<u8>(value >> 8));
}

void PciFunctionModel::put32(u32 offset, u32 value)
{
    put16(offset, static_cast<u16>(value));
    put16(offset + 2, static_cast<u16>(value >> 16));
}

void PciFunctionModel::add_bar(u32 at, u32 mask, u32 low)
{
    masks_[at] = mask;
    put32(kBars + 4 * at, low);
}

void PciFunctionModel::add_wide_bar(u32 at, u64 size)
{
    add_bar(at, static_cast<u32>(~(size - 1)) & ~0xfu, 0xc);
    add_bar(at + 1, static_cast<u32>(~(size - 1) >> 32), 0);
}

u32 PciFunctionModel::read(u32 offset, u32 bits) const
{
    EXPECT_EQ(offset % (bits / 8), 0u) << offset;
    EXPECT_LE(offset + bits / 8, bytes_.size());
    u32 value = 0;
    for (u32 at = 0; at < bits / 8; ++at)
        value |= u32{bytes_[offset + at]} << 8 * at;
    return value;
}

void PciFunctionModel::write(u32 offset, u32 value, u32 bits)
{
    if (offset == 4) {
        EXPECT_EQ(bits, 16u) << "the status behind the command clears what is written as 1";
        EXPECT_EQ(value & ~u32{kWritableCommand}, 0u);
        put16(4, static_cast<u16>(value));
        return;
    }
    ASSERT_TRUE(offset >= kBars && offset < kBars + 4 * kPciBars) << "is not to be written: " << offset;
    ASSERT_EQ(bits, 32u);
    ASSERT_EQ(offset % 4, 0u);
    EXPECT_FALSE(answers()) << "a BAR moves while the function answers there";
    const u32 mask = masks_[(offset - kBars) / 4];
    put32(offset, (value & mask) | (read(offset, 32) & ~mask));
}

std::pair<u64, u64> PciFunctionModel::bar(u32 at) const
{
    const u32 low = read(kBars + 4 * at, 32);
    if (masks_[at] == 0 || (low & 1) != 0 || (at > 0 && (read(kBars + 4 * (at - 1), 32) & 0x7) == 0x4))
        return {0, 0};
    if ((low & 0x6) != 0x4)
        return {low & masks_[at], (~masks_[at] & ~u32{0}) + u64{1}};
    const u64 mask = masks_[at] | u64{masks_[at + 1]} << 32;
    return {(low | u64{read(kBars + 4 * (at + 1), 32)} << 32) & mask, ~mask + 1};
}

u64 PciFunctionModel::read_register(u32 bar, u64 offset, u32)
{
    ADD_FAILURE() << "nobody needs to read BAR " << bar << " at " << offset;
    return 0;
}

void PciFunctionModel::write_register(u32 bar, u64 offset, u64, u32)
{
    ADD_FAILURE() << "nobody needs to write BAR " << bar << " at " << offset;
}

PciBusModel::Target PciBusModel::target_of(u64 address) const
{
    const bool is_low = address < kHighWindow;
    const u64 on_the_bus = is_low ? address - kLowWindow + kLowOnTheBus : address;
    Target found;
    for (const auto& [place, function] : functions_) {
        for (u32 at = 0; at < kPciBars && function->answers(); ++at) {
            const auto [base, size] = function->bar(at);
            if (size == 0 || on_the_bus < base || on_the_bus - base >= size)
                continue;
            EXPECT_EQ(found.function, nullptr) << "two functions answer at " << address;
            found = {function, at, on_the_bus - base};
        }
    }
    EXPECT_NE(found.function, nullptr) << "nobody answers at " << address;
    return found;
}

u64 PciBusModel::read(u64 address, u32 bits)
{
    if (address >= kEcam && address - kEcam < PciHost::kConfigurationOfBus.count()) {
        const auto function = functions_.find(static_cast<u32>((address - kEcam) >> 12));
        return function == functions_.end() ? ones(bits) : function->second->read(address & 0xfff, bits);
    }
    const Target target = target_of(address);
    return target.function != nullptr ? target.function->read_register(target.bar, target.offset, bits)
                                      : ones(bits);
}

void PciBusModel::write(u64 address, u64 value, u32 bits)
{
    if (address >= kEcam && address - kEcam < PciHost::kConfigurationOfBus.count()) {
        const auto function = functions_.find(static_cast<u32>((address - kEcam) >> 12));
        ASSERT_NE(function, functions_.end()) << "nobody is there";
        function->second->write(address & 0xfff, static_cast<u32>(value), bits);
        return;
    }
    if (const Target target = target_of(address); target.function != nullptr)
        target.function->write_register(target.bar, target.offset, value, bits);
}

} // namespace percival
