// SPDX-License-Identifier: BSD-2-Clause
// Tests what the stub takes from the firmware, how it leaves it, and that it gives everything back if it
// cannot.
#include "arch/cpu/processor.hpp"
#include "boot/flat_tree/flat_tree_writer.hpp"
#include "tests/host/support/device_tree_blob.hpp"
#include "tests/host/support/range.hpp"
#include "tests/host/support/utf16.hpp"
#include "tests/host/uefi/acpi_builder.hpp"
#include "tests/host/uefi/fake_firmware.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <libfdt.h>

namespace percival::testing {
namespace {

using boot::uefi::kWriteBack;

constexpr u32 kRuntimeServicesCode = 5; // which is not free

class UefiStub : public ::testing::Test {
protected:
    UefiStub()
    {
        firmware.tree = load_tree("qemu-virt-gicv3");
        arch::all_exceptions_masked = false;
    }

    Entered entered()
    {
        const auto outcome = firmware.start();
        EXPECT_TRUE(outcome.entered) << firmware.console;
        EXPECT_EQ(firmware.offences, std::vector<std::string>{});
        return outcome.entered.value_or(Entered{});
    }

    // Puts the ACPI tables into the firmware's memory.
    void give_tables()
    {
        firmware.root_pointer = tables.root_pointer();
        for (const PhysRange pages : tables.pages())
            firmware.memory_map.push_back({boot::uefi::kAcpiReclaimMemory, pages.base.raw(), 0,
                                           pages.size / Bytes{boot::uefi::kFirmwarePage}, kWriteBack});
    }
    void damage_tables() { tables.table("APIC").back() ^= std::byte{1}; }

    // Returns the tree that the kernel gets, and what it reads in it.
    static std::span<const std::byte> tree_at(const Entered& at)
    {
        const auto* const tree = bytes_at(at.device_tree);
        return {tree, fdt_totalsize(tree)};
    }
    static Reading reading_at(const Entered& at)
    {
        const PhysRange memory = range(0x4000'0000, 0x10'0000);
        return Reading{tree_at(at), {.memory = {&memory, 1}}};
    }

    // Expects that the stub returns to the firmware with this message, and keeps no memory.
    void expect_refusal(std::string_view message)
    {
        expect_return();
        EXPECT_EQ(firmware.console, message.empty() ? "" : "Percival: " + std::string{message} + "\r\n");
    }
    void expect_refusal_beginning_with(std::string_view message)
    {
        expect_return();
        EXPECT_TRUE(firmware.console.starts_with("Percival: " + std::string{message})) << firmware.console;
    }

    FakeFirmware firmware;
    AcpiTables tables{AcpiMachine{}};

private:
    void expect_return()
    {
        const auto outcome = firmware.start();
        EXPECT_FALSE(outcome.entered);
        EXPECT_NE(outcome.status & boot::uefi::kError, 0U);
        EXPECT_EQ(firmware.pages_held(), 0U);
        EXPECT_FALSE(arch::all_exceptions_masked);
        EXPECT_EQ(firmware.offences, std::vector<std::string>{});
    }
};

TEST_F(UefiStub, enters_a_copy_of_the_image_at_a_multiple_of_2_mib)
{
    const Entered at = entered();
    ASSERT_EQ(at.entry % 0x20'0000, 0U);
    const auto* copy = bytes_at(at.entry);
    const auto image = fake_image();
    for (std::size_t byte = 0; byte < kFakeFileSize; ++byte) {
        const bool changes = byte >= kFakeHandoffAt && byte < kFakeHandoffAt + sizeof(boot::UefiHandoff);
        if (!changes) {
            ASSERT_EQ(copy[byte], image[byte]) << byte;
        }
    }
}

TEST_F(UefiStub, all_that_is_read_with_the_mmu_off_is_in_memory)
{
    const Entered at = entered();
    EXPECT_TRUE(firmware.was_cleaned(at.entry, kFakeImageSize));
    EXPECT_TRUE(firmware.was_cleaned(at.device_tree, firmware.tree.size()));
    EXPECT_TRUE(firmware.was_cleaned(kernel_entry_code(), 64));
    EXPECT_TRUE(arch::all_exceptions_masked);
}

TEST_F(UefiStub, the_kernel_gets_the_firmwares_tree)
{
    const Entered at = entered();
    EXPECT_EQ(std::memcmp(bytes_at(at.device_tree), firmware.tree.data(), firmware.tree.size()), 0);
}

TEST_F(UefiStub, arguments_seed_and_memory_are_handed_over)
{
    firmware.options = utf16_bytes(u"percpu=local");
    firmware.random = {1, 2, 3, 4, 5, 6, 7, 8};
    firmware.memory_map = {{boot::uefi::kConventionalMemory, 0x4000'0000, 0, 16, kWriteBack},
                           {kRuntimeServicesCode, 0x4001'0000, 0, 16, kWriteBack},
                           {boot::uefi::kBootServicesCode, 0x4002'0000, 0, 16, kWriteBack}};
    const FirmwareFacts facts = FakeFirmware::handoff_of(entered()).facts();
    EXPECT_EQ(facts.boot_arguments, "percpu=local");
    EXPECT_EQ(facts.random_seed, 0x0807'0605'0403'0201U);
    ASSERT_EQ(facts.memory.size(), 2U);
    EXPECT_EQ(facts.memory[0], range(0x4000'0000, 0x1'0000));
    EXPECT_EQ(facts.memory[1], range(0x4002'0000, 0x1'0000));
}

TEST_F(UefiStub, without_options_and_random_numbers_there_are_none)
{
    const Entered at = entered();
    EXPECT_TRUE(FakeFirmware::handoff_of(at).is_given);
    EXPECT_EQ(FakeFirmware::handoff_of(at).facts().boot_arguments, "");
    EXPECT_EQ(FakeFirmware::handoff_of(at).facts().random_seed, 0U);
}

TEST_F(UefiStub, a_source_without_enough_random_numbers_gives_none)
{
    firmware.random = {1};
    EXPECT_EQ(FakeFirmware::handoff_of(entered()).random_seed, 0U);
}

TEST_F(UefiStub, a_stale_map_is_read_again)
{
    firmware.stale_keys = 2;
    entered();
}

TEST_F(UefiStub, a_map_that_is_always_stale_ends_with_the_firmwares_error)
{
    firmware.stale_keys = ~0U;
    const auto outcome = firmware.start();
    EXPECT_EQ(outcome.status, boot::uefi::kInvalidParameter);
    EXPECT_EQ(firmware.offences, std::vector<std::string>{});
}

TEST_F(UefiStub, a_map_that_grew_meanwhile_has_room)
{
    firmware.memory_map.resize(80, firmware.memory_map.front()); // fills a page almost
    firmware.grows_at_exit = true;
    entered();
}

TEST_F(UefiStub, an_error_of_the_firmware_is_returned_in_silence)
{
    firmware.exit_error = boot::uefi::kError | 7;
    expect_refusal("");
}

TEST_F(UefiStub, a_firmware_without_a_tree_gets_its_image_back)
{
    firmware.tree.clear();
    expect_refusal("the firmware has neither a device tree nor ACPI tables");
}

TEST_F(UefiStub, a_firmware_with_acpi_alone_gets_a_tree_made)
{
    firmware.tree.clear();
    give_tables();
    const Entered at = entered();
    const Reading tree = reading_at(at);
    EXPECT_EQ(tree.sentence, "");
    EXPECT_EQ(tree.machine->model, "BOCHS BXPC");
    EXPECT_EQ(tree.machine->cpus.size(), 4U);
    EXPECT_TRUE(firmware.was_cleaned(at.device_tree, tree_at(at).size()));
}

TEST_F(UefiStub, the_argument_acpi_decides_if_there_are_both)
{
    give_tables();
    firmware.options = utf16_bytes(u"acpi=on");
    EXPECT_EQ(reading_at(entered()).machine->model, "BOCHS BXPC");
}

TEST_F(UefiStub, a_tree_that_describes_no_machine_is_none_beside_acpi)
{
    give_tables();
    firmware.tree.assign(4096, std::byte{0});
    boot::FlatTreeWriter stub{firmware.tree};
    stub.begin_node("chosen");
    stub.end_node();
    ASSERT_TRUE(stub.finish());
    EXPECT_EQ(reading_at(entered()).machine->model, "BOCHS BXPC");
}

TEST_F(UefiStub, damaged_acpi_tables_are_refused_by_name)
{
    damage_tables();
    firmware.tree.clear();
    give_tables();
    expect_refusal_beginning_with("ACPI: APIC: checksum: is wrong");
}

TEST_F(UefiStub, an_address_that_is_no_memory_is_never_read)
{
    give_tables();
    firmware.tree.clear();
    const u64 beside = tables.root_pointer() ^ u64 { 1 } << 46;
    for (const u64 address : {u64{1}, beside, u64{0xffff'ffff'ffff'fff0}}) {
        std::memcpy(tables.table("XSDT").data() + 36, &address, sizeof(address));
        tables.fix("XSDT");
        firmware.console.clear();
        expect_refusal_beginning_with("ACPI: ");
    }
}

TEST_F(UefiStub, a_root_pointer_that_is_no_memory_is_refused)
{
    firmware.tree.clear();
    firmware.root_pointer = tables.root_pointer(); // which the map does not have
    expect_refusal_beginning_with("ACPI: RSDP: signature");
}

TEST_F(UefiStub, the_tree_counts_if_preferred_tables_are_damaged)
{
    damage_tables();
    give_tables();
    firmware.options = utf16_bytes(u"acpi=on");
    const Entered at = entered();
    EXPECT_EQ(std::memcmp(bytes_at(at.device_tree), firmware.tree.data(), firmware.tree.size()), 0);
    EXPECT_TRUE(
        firmware.console.ends_with("Percival: the device tree is taken in place of the ACPI tables\r\n"))
        << firmware.console;
}

TEST_F(UefiStub, forced_tables_that_are_damaged_are_refused)
{
    damage_tables();
    give_tables();
    firmware.options = utf16_bytes(u"acpi=force");
    expect_refusal_beginning_with("ACPI: APIC: checksum: is wrong");
}

TEST_F(UefiStub, a_damaged_tree_is_refused)
{
    firmware.tree[0] = std::byte{0};
    expect_refusal("the header of the firmware's device tree is wrong");
}

TEST_F(UefiStub, wrong_load_options_are_refused)
{
    firmware.options = utf16_bytes(std::u16string{0xdc00});
    expect_refusal("the load options have half of a surrogate pair");
}

TEST_F(UefiStub, without_memory_for_the_image_or_the_map_nothing_is_kept)
{
    firmware.allocations_allowed = 0;
    expect_refusal("there is no memory for the kernel");
    firmware.console.clear();
    firmware.allocations_allowed = 1;
    expect_refusal("there is no memory for the memory map");
}

TEST_F(UefiStub, an_image_that_the_firmware_does_not_know_is_refused)
{
    firmware.has_loaded_image = false;
    expect_refusal("the firmware says nothing of the image that it loaded");
}

TEST_F(UefiStub, a_firmware_without_a_console_gets_the_error_alone)
{
    firmware.has_console = false;
    firmware.tree.clear();
    expect_refusal("");
}

} // namespace
} // namespace percival::testing
