// SPDX-License-Identifier: BSD-2-Clause
// Tests what of UEFI's memory map the kernel uses, and how its pieces become ranges.
#include "boot/uefi/memory_map.hpp"

#include "boot/uefi/firmware_tables.hpp"
#include "tests/host/support/range.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace percival::boot::uefi {
namespace {

constexpr u64 kPage = kFirmwarePage;

// UEFI Specification 2.10, 7.2.1: EFI_MEMORY_TYPE.
static_assert(kLoaderCode == 1 && kLoaderData == 2 && kBootServicesCode == 3 && kBootServicesData == 4 &&
              kConventionalMemory == 7 && kUnusableMemory == 8 && kAcpiReclaimMemory == 9 &&
              kMemoryMappedIo == 11 && kMemoryMappedIoPortSpace == 12 && kUnacceptedMemory == 15);

MemoryDescriptor entry(u32 type, u64 start, u64 pages, u64 attributes = kWriteBack)
{
    return {type, start, 0, pages, attributes};
}

// A map of exactly its size, so that a read behind the end is noticed. The firmware's entries may be longer
// than those that the kernel knows.
struct Map {
    explicit Map(const std::vector<MemoryDescriptor>& entries, std::size_t distance = 48)
        : entry_size{distance}, size{entries.size() * distance}, bytes{std::make_unique<std::byte[]>(size)}
    {
        for (std::size_t at = 0; at < entries.size(); ++at)
            std::memcpy(bytes.get() + at * entry_size, &entries[at], sizeof(MemoryDescriptor));
    }
    std::span<const std::byte> span() const { return {bytes.get(), size}; }

    std::size_t entry_size;
    std::size_t size;
    std::unique_ptr<std::byte[]> bytes;
};

std::vector<PhysRange> usable(const std::vector<MemoryDescriptor>& entries, std::size_t entry_size = 48)
{
    const Map map{entries, entry_size};
    FirmwareMemory memory;
    add_usable_memory(map.span(), entry_size, memory);
    return {memory.ranges().begin(), memory.ranges().end()};
}

bool readable(const std::vector<MemoryDescriptor>& entries, PhysRange range)
{
    const Map map{entries};
    return is_readable(map.span(), map.entry_size, range);
}

using Ranges = std::vector<PhysRange>;

TEST(UefiMemoryMap, free_memory_and_that_of_loaders_and_boot_services_is_usable)
{
    const std::set<u32> free{kLoaderCode, kLoaderData, kBootServicesCode, kBootServicesData,
                             kConventionalMemory};
    for (u32 type = 0; type < 20; ++type) {
        const bool is_usable = free.contains(type);
        EXPECT_EQ(usable({entry(type, 0x8000'0000, 4)}),
                  is_usable ? Ranges{range(0x8000'0000, 4 * kPage)} : Ranges{})
            << type;
    }
}

TEST(UefiMemoryMap, registers_and_memory_with_errors_are_not_readable)
{
    const std::set<u32> without_contents{kUnusableMemory, kMemoryMappedIo, kMemoryMappedIoPortSpace,
                                         kUnacceptedMemory};
    for (u32 type = 0; type < 20; ++type) {
        const bool has_contents = !without_contents.contains(type);
        EXPECT_EQ(readable({entry(type, 0x8000'0000, 1)}, range(0x8000'0ff0, 16)), has_contents) << type;
    }
}

TEST(UefiMemoryMap, what_the_map_does_not_hold_as_a_whole_is_not_readable)
{
    const std::vector<MemoryDescriptor> map{entry(kAcpiReclaimMemory, 0x8000'1000, 1),
                                            entry(kLoaderData, 0x8000'0000, 1),
                                            entry(kAcpiReclaimMemory, 0x8000'3000, 1)};
    EXPECT_TRUE(readable(map, range(0x8000'0000, 2 * kPage)));
    EXPECT_TRUE(readable(map, range(0x8000'0fff, 2)));
    EXPECT_TRUE(readable(map, range(0x8000'3fff, 1)));
    EXPECT_FALSE(readable(map, range(0x8000'1fff, 2)));
    EXPECT_FALSE(readable(map, range(0x8000'0000, 4 * kPage)));
    EXPECT_FALSE(readable(map, range(0x7fff'ffff, 2)));
    EXPECT_FALSE(readable(map, range(0x8000'4000, 1)));
    EXPECT_FALSE(readable(map, range(0, 36)));
    EXPECT_FALSE(readable(map, range(0xffff'ffff'ffff'fff0, 36)));
}

TEST(UefiMemoryMap, memory_that_cannot_be_cached_is_not_used)
{
    EXPECT_EQ(usable({entry(kConventionalMemory, 0x8000'0000, 4, ~kWriteBack)}), Ranges{});
}

TEST(UefiMemoryMap, an_entry_that_is_cut_short_is_not_read)
{
    FirmwareMemory memory;
    const MemoryDescriptor whole = entry(kConventionalMemory, 0x8000'0000, 4);
    std::array<std::byte, sizeof(whole)> bytes;
    std::memcpy(bytes.data(), &whole, sizeof(whole));
    add_usable_memory(std::span{bytes}.first(sizeof(whole) - 1), sizeof(whole), memory);
    EXPECT_TRUE(memory.ranges().empty());
    add_usable_memory(bytes, sizeof(whole) - 1, memory); // no such entry
    add_usable_memory(bytes, 0, memory);
    EXPECT_TRUE(memory.ranges().empty());
}

TEST(UefiMemoryMap, a_page_count_that_overflows_ends_at_the_physical_limit)
{
    EXPECT_EQ(usable({entry(kConventionalMemory, 0x8000'0000, ~u64{0})}),
              Ranges{range(0x8000'0000, kPhysicalLimit.raw() - 0x8000'0000)});
    EXPECT_EQ(usable({entry(kConventionalMemory, ~u64{0} - 0xfff, 4)}), Ranges{});
}

TEST(FirmwareMemory, pieces_that_touch_become_one_range_in_any_order)
{
    FirmwareMemory memory;
    memory.add(range(0x4000, 0x1000));
    memory.add(range(0x1000, 0x1000));
    memory.add(range(0x7000, 0x1000));
    EXPECT_EQ(memory.ranges().size(), 3U);
    memory.add(range(0x2000, 0x2000)); // joins the first two
    ASSERT_EQ(memory.ranges().size(), 2U);
    EXPECT_EQ(memory.ranges()[0], range(0x1000, 0x4000));
    EXPECT_EQ(memory.ranges()[1], range(0x7000, 0x1000));
    memory.add(range(0, 0x10000));
    ASSERT_EQ(memory.ranges().size(), 1U);
    EXPECT_EQ(memory.ranges()[0], range(0, 0x10000));
    memory.add(range(0x3000, 0));
    EXPECT_EQ(memory.ranges().size(), 1U);
}

TEST(FirmwareMemory, what_finds_no_room_is_counted_and_loses_nothing_else)
{
    FirmwareMemory memory;
    for (u64 at = 0; at < FirmwareMemory::kMaxRanges; ++at)
        memory.add(range(at * 0x2000, 0x1000));
    EXPECT_EQ(memory.left_out(), Bytes{0});
    memory.add(range(FirmwareMemory::kMaxRanges * 0x2000, 0x3000));
    EXPECT_EQ(memory.left_out(), Bytes{0x3000});
    EXPECT_EQ(memory.ranges().size(), FirmwareMemory::kMaxRanges);
    memory.add(range(0x1000, 0x1000)); // needs no room: it joins two
    EXPECT_EQ(memory.ranges().size(), FirmwareMemory::kMaxRanges - 1);
    EXPECT_EQ(memory.left_out(), Bytes{0x3000});
}

TEST(FirmwareMemory, holds_exactly_the_pages_that_were_added)
{
    std::mt19937 random{1};
    for (int round = 0; round < 200; ++round) {
        FirmwareMemory memory;
        std::set<u64> pages;
        for (int piece = 0; piece < 40; ++piece) {
            const u64 base = random() % 200;
            const u64 count = random() % 8;
            memory.add(range(base * kPage, count * kPage));
            for (u64 at = 0; at < count; ++at)
                pages.insert(base + at);
        }
        std::set<u64> held;
        for (std::size_t at = 0; at < memory.ranges().size(); ++at) {
            const PhysRange piece = memory.ranges()[at];
            ASSERT_FALSE(piece.is_empty());
            if (at != 0) {
                ASSERT_GT(piece.base, memory.ranges()[at - 1].end());
            }
            for (u64 page = piece.base.raw() / kPage; page < piece.end().raw() / kPage; ++page)
                held.insert(page);
        }
        ASSERT_EQ(held, pages);
        ASSERT_EQ(memory.left_out(), Bytes{0});
    }
}

} // namespace
} // namespace percival::boot::uefi
