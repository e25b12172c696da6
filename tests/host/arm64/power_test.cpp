// SPDX-License-Identifier: BSD-2-Clause
// Tests how CPUs are started and turned off on firmware and a memory whose every event is noted. Parking is
// simulated: its CPU side runs with the MMU off.
#include "arch/arm64/devices/parking.hpp"
#include "arch/arm64/devices/smccc.hpp"
#include "arch/cpu/processor.hpp"
#include "arch/devices/power.hpp"
#include "arch/simulation/register_model.hpp"
#include "tests/host/arm64/firmware.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival {

namespace {
MachineDescription machine;
}

const MachineDescription& this_machine()
{
    return machine;
}

namespace arch {

namespace {
bool parking_is_possible = true;
bool first_is_parked = false;
std::vector<u64> released;
struct Parked {};
} // namespace

namespace parking {
bool is_possible()
{
    return parking_is_possible;
}
void park_this_cpu()
{
    throw Parked{};
}
bool is_parked(CpuId cpu)
{
    return cpu == kBootCpu && first_is_parked;
}
void release(CpuId, PhysAddr entry)
{
    released.push_back(entry.raw());
}
} // namespace parking

namespace {

constexpr u64 kReleaseAddress = 0x1000'00d8;
constexpr u64 kMailbox = kReleaseAddress - 8; // whose jump address is there
constexpr u32 kPsciVersion = 0x8400'0000, kCpuOff = 0x8400'0002, kMigrateInfoType = 0x8400'0006;
constexpr u32 kCpuOn = 0xc400'0003, kAffinityInfo = 0xc400'0004, kMigrateInfoUpCpu = 0xc400'0007;
constexpr u32 kSystemOff = 0x8400'0008, kSystemReset = 0x8400'0009;

class EventLog final : public RegisterModel {
public:
    std::vector<std::string> events;
    u32 number{0xffff'ffff}; // in the mailbox

    u64 read(u64 address, u32 bits) override
    {
        EXPECT_EQ(address, kMailbox);
        EXPECT_EQ(bits, 32U);
        return number;
    }
    void write(u64 address, u64 value, u32 bits) override
    {
        EXPECT_TRUE(address == kMailbox || address == kReleaseAddress) << address;
        EXPECT_EQ(bits, address == kReleaseAddress ? 64u : 32u);
        events.push_back((address == kReleaseAddress ? "store " : "number ") + std::to_string(value));
    }
    u64 read_system(std::string_view name) override
    {
        EXPECT_EQ(name, "ctr_el0");
        return 0x8444'c004;
    }
    void write_system(std::string_view, u64) override { ADD_FAILURE(); }
    void dsb(Shareability shareability, Access access) override
    {
        const bool is_full = shareability == Shareability::FullSystem && access == Access::Any;
        events.push_back(is_full ? "dsb sy" : "a weaker dsb");
    }
    void isb() override { events.push_back("isb"); }
    void send_event() override { events.push_back("sev"); }
    void maintain(CacheOperation operation, u64 address) override
    {
        EXPECT_EQ(operation, CacheOperation::CleanAndInvalidate);
        EXPECT_EQ(address / 64, kReleaseAddress / 64);
        events.push_back("clean");
    }
};

class PowerTest : public testing::Test {
protected:
    PowerTest()
    {
        machine = {};
        parking_is_possible = true;
        first_is_parked = false;
        released.clear();
        firmware = {};
        firmware.answers[kPsciVersion] = 0x1'0001;
    }
    void describe(CpuStart start, u64 mpidr = 0x100)
    {
        machine.cpus = {};
        ASSERT_TRUE(machine.cpus.push({.mpidr = mpidr, .start = start, .release_address = PhysAddr{0xd8}}));
    }
    EventLog log;
};

TEST_F(PowerTest, a_spin_table_is_cleaned_written_completed_and_signalled_in_this_order)
{
    release_from_spin_table(Mmio{VirtAddr{kReleaseAddress}}, PhysAddr{4096});
    EXPECT_EQ(log.events, (std::vector<std::string>{"clean", "dsb sy", "store 4096", "dsb sy", "sev"}));
}

TEST_F(PowerTest, a_mailbox_gets_the_jump_address_before_the_number_that_it_is_read_by)
{
    describe(CpuStart::Parking);
    machine.cpus[0].parking_id = 7;
    EXPECT_TRUE(write_to_mailbox(kBootCpu, Mmio{VirtAddr{kMailbox}}, PhysAddr{4096}));
    EXPECT_EQ(log.events,
              (std::vector<std::string>{"clean", "dsb sy", "store 4096", "dsb sy", "number 7", "dsb sy"}));
}

TEST_F(PowerTest, only_a_cpu_at_a_mailbox_of_the_firmware_has_one)
{
    describe(CpuStart::Parking);
    EXPECT_EQ(firmware_mailbox(kBootCpu), PhysAddr{0xd8});
    first_is_parked = true;
    EXPECT_FALSE(firmware_mailbox(kBootCpu));
    first_is_parked = false;
    describe(CpuStart::SpinTable);
    EXPECT_FALSE(firmware_mailbox(kBootCpu));
}

TEST_F(PowerTest, a_mailbox_that_the_firmware_has_not_set_up_is_not_written_to)
{
    describe(CpuStart::Parking);
    for (const u32 number : {0U, 7U}) {
        log.number = number;
        const auto written = write_to_mailbox(kBootCpu, Mmio{VirtAddr{kMailbox}}, PhysAddr{4096});
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error(), "parking protocol: the firmware has not set up the CPU's mailbox");
        EXPECT_EQ(log.events, (std::vector<std::string>{"clean", "dsb sy"}));
        log.events.clear();
    }
}

TEST_F(PowerTest, only_a_cpu_in_a_spin_table_has_a_release_address)
{
    describe(CpuStart::SpinTable);
    EXPECT_EQ(spin_table_release_address(kBootCpu), PhysAddr{0xd8});
    first_is_parked = true;
    EXPECT_FALSE(spin_table_release_address(kBootCpu));
    first_is_parked = false;
    describe(CpuStart::Psci);
    EXPECT_FALSE(spin_table_release_address(kBootCpu));
}

TEST_F(PowerTest, a_cpu_starts_as_its_description_says)
{
    power_init(PsciConduit::Hvc, 0);
    describe(CpuStart::None);
    EXPECT_FALSE(start_cpu(kBootCpu, PhysAddr{0x4000}));
    describe(CpuStart::Psci);
    firmware.answers[kCpuOn] = 0;
    EXPECT_TRUE(start_cpu(kBootCpu, PhysAddr{0x4000}));
    EXPECT_EQ(firmware.calls.back(), (Firmware::Call{PsciConduit::Hvc, kCpuOn, {0x100, 0x4000, 0}}));
    firmware.calls.clear();
    first_is_parked = true;
    EXPECT_TRUE(start_cpu(kBootCpu, PhysAddr{0x5000}));
    EXPECT_EQ(released, std::vector<u64>{0x5000});
    EXPECT_TRUE(firmware.calls.empty());
}

TEST_F(PowerTest, firmware_without_a_usable_psci_is_not_called)
{
    firmware.answers[kPsciVersion] = 1;
    power_init(PsciConduit::Smc, 0);
    describe(CpuStart::Psci);
    firmware.calls.clear();
    EXPECT_FALSE(start_cpu(kBootCpu, PhysAddr{0x4000}));
    EXPECT_FALSE(can_turn_off(kBootCpu));
    power_off();
    reset_by_firmware();
    EXPECT_TRUE(firmware.calls.empty());
}

TEST_F(PowerTest, the_machine_is_reset_by_psci_from_version_0_2_on)
{
    power_init(PsciConduit::Hvc, 0);
    firmware.calls.clear();
    reset_by_firmware();
    ASSERT_FALSE(firmware.calls.empty());
    EXPECT_EQ(firmware.calls.front(), (Firmware::Call{PsciConduit::Hvc, kSystemReset, {}}));
    power_init(PsciConduit::Smc, 0x9500'0001);
    firmware.calls.clear();
    reset_by_firmware();
    EXPECT_TRUE(firmware.calls.empty());
}

TEST_F(PowerTest, a_cpu_that_goes_off_by_psci_is_off_when_the_firmware_says_so)
{
    power_init(PsciConduit::Smc, 0);
    describe(CpuStart::Psci);
    parking_is_possible = false;
    EXPECT_TRUE(can_turn_off(kBootCpu));
    EXPECT_THROW(turn_off_this_cpu(), Stopped);
    EXPECT_EQ(firmware.calls.back().function, kCpuOff);
    EXPECT_TRUE(all_exceptions_masked);
    parking_is_possible = true;
    EXPECT_THROW(turn_off_this_cpu(), Parked); // the firmware has refused
    for (const u64 state : {0u, 1u, 2u}) {
        firmware.answers[kAffinityInfo] = state;
        EXPECT_EQ(is_off(kBootCpu), state == 1) << state;
    }
    firmware.answers[kAffinityInfo] = 0;
    first_is_parked = true;
    EXPECT_TRUE(is_off(kBootCpu));
    power_off();
    EXPECT_EQ(firmware.calls.back().function, kSystemOff);
}

TEST_F(PowerTest, a_cpu_that_the_firmware_does_not_take_back_is_parked)
{
    const auto is_parked_only = [&] {
        firmware.answers[kAffinityInfo] = 1;
        firmware.calls.clear();
        EXPECT_TRUE(can_turn_off(kBootCpu));
        EXPECT_THROW(turn_off_this_cpu(), Parked);
        EXPECT_FALSE(is_off(kBootCpu));
        parking_is_possible = false;
        EXPECT_FALSE(can_turn_off(kBootCpu));
        parking_is_possible = true;
        EXPECT_TRUE(firmware.calls.empty());
    };
    describe(CpuStart::SpinTable);
    power_init(PsciConduit::Smc, 0);
    is_parked_only();
    describe(CpuStart::Psci);
    power_init(PsciConduit::Smc, 0x9500'0001);
    is_parked_only();
    power_off();
    EXPECT_TRUE(firmware.calls.empty());
    firmware.answers[kMigrateInfoType] = 1;
    firmware.answers[kMigrateInfoUpCpu] = 0x100;
    power_init(PsciConduit::Smc, 0);
    is_parked_only();
}

} // namespace
} // namespace arch
} // namespace percival
