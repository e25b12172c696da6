// SPDX-License-Identifier: BSD-2-Clause
// Tests PSCI on firmware whose answers are written down.
#include "arch/arm64/devices/psci.hpp"
#include "tests/host/arm64/firmware.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string_view>
#include <vector>

namespace percival::arch {
namespace {

constexpr u32 kPsciVersion = 0x8400'0000, kCpuOff = 0x8400'0002, kMigrateInfoType = 0x8400'0006;
constexpr u32 kAffinityInfo = 0xc400'0004, kMigrateInfoUpCpu = 0xc400'0007;

constexpr u32 kCpuOn = 0xc400'0003, kSystemOff = 0x8400'0008;
constexpr u32 kSystemReset = 0x8400'0009, kPsciFeatures = 0x8400'000a, kSystemReset2 = 0xc400'0012;

class PsciTest : public ::testing::Test {
protected:
    PsciTest() { firmware = {}; }
    std::map<u32, u64>& answers{firmware.answers};
    const Psci psci{PsciConduit::Smc, 0};
};

TEST_F(PsciTest, is_usable_from_version_0_2_on)
{
    EXPECT_FALSE(psci.is_usable()); // not supported
    answers[kPsciVersion] = 1;
    EXPECT_FALSE(psci.is_usable());
    answers[kPsciVersion] = 2;
    EXPECT_TRUE(psci.is_usable());
    answers[kPsciVersion] = 0x1'0001;
    EXPECT_TRUE(psci.is_usable());
}

TEST_F(PsciTest, a_trusted_os_for_one_cpu_keeps_that_cpu_on)
{
    answers[kMigrateInfoUpCpu] = 0x1'0002'0301;
    for (const u64 type : {0u, 1u}) {
        answers[kMigrateInfoType] = type;
        EXPECT_EQ(psci.trusted_os_cpu(), 0x1'0002'0301u);
    }
}

TEST_F(PsciTest, without_a_trusted_os_for_one_cpu_no_cpu_is_special)
{
    EXPECT_FALSE(psci.trusted_os_cpu()); // not supported
    answers[kMigrateInfoUpCpu] = 0;
    answers[kMigrateInfoType] = 2; // not required
    EXPECT_FALSE(psci.trusted_os_cpu());
    EXPECT_EQ(firmware.calls.back().function, kMigrateInfoType); // its CPU is undefined, and not asked for
    answers[kMigrateInfoType] = 0xffff'ffff; // the same error by firmware that fills 32 bits only
    EXPECT_FALSE(psci.trusted_os_cpu());
}

TEST_F(PsciTest, the_cpu_of_a_trusted_os_is_an_affinity_or_an_error)
{
    answers[kMigrateInfoType] = 1;
    EXPECT_FALSE(psci.trusted_os_cpu());      // not supported
    answers[kMigrateInfoUpCpu] = 0x8100'0200; // MPIDR_EL1 with its RES1 bit and MT
    EXPECT_EQ(psci.trusted_os_cpu(), 0x200u);
}

TEST_F(PsciTest, a_cpu_is_off_only_if_the_firmware_says_so)
{
    EXPECT_FALSE(psci.is_off(1)); // not supported
    answers[kAffinityInfo] = 0;   // on
    EXPECT_FALSE(psci.is_off(1));
    answers[kAffinityInfo] = 2; // on pending
    EXPECT_FALSE(psci.is_off(1));
    answers[kAffinityInfo] = 1;
    EXPECT_TRUE(psci.is_off(1));
}

TEST_F(PsciTest, cpu_off_that_is_denied_returns)
{
    answers[kCpuOff] = static_cast<u64>(-3);
    psci.cpu_off();
    EXPECT_EQ(firmware.calls, (std::vector<Firmware::Call>{{PsciConduit::Smc, kCpuOff, {}}}));
}

TEST_F(PsciTest, cpu_on_passes_the_cpu_the_entry_and_the_context)
{
    answers[kCpuOn] = 0;
    EXPECT_TRUE(psci.cpu_on(0x1'0002'0301, PhysAddr{0x4000'0000}, 7));
    EXPECT_EQ(firmware.calls.back(),
              (Firmware::Call{PsciConduit::Smc, kCpuOn, {0x1'0002'0301, 0x4000'0000, 7}}));
    const Psci first{PsciConduit::Hvc, 0x9500'0001};
    EXPECT_TRUE(first.is_v01());
    EXPECT_TRUE(first.is_usable());
    answers[0x9500'0001] = 0;
    EXPECT_TRUE(first.cpu_on(1, PhysAddr{0x8000}, 0));
    EXPECT_EQ(firmware.calls.back(), (Firmware::Call{PsciConduit::Hvc, 0x9500'0001, {1, 0x8000, 0}}));
}

TEST_F(PsciTest, each_error_of_cpu_on_has_its_sentence)
{
    constexpr std::string_view kWords[] = {"not supported", "invalid parameters", "denied",      "already on",
                                           "still pending", "internal failure",   "not present", "disabled",
                                           "entry address", "does not define"};
    s64 error = 0;
    for (const std::string_view words : kWords) {
        answers[kCpuOn] = static_cast<u64>(--error);
        const auto result = psci.cpu_on(1, PhysAddr{0}, 0);
        ASSERT_FALSE(result);
        EXPECT_NE(result.error().find(words), std::string_view::npos) << result.error();
        answers[kCpuOn] &= 0xffff'ffff; // firmware that fills 32 bits only
        EXPECT_FALSE(psci.cpu_on(1, PhysAddr{0}, 0));
    }
}

TEST_F(PsciTest, is_off_asks_for_the_whole_affinity)
{
    EXPECT_FALSE(psci.is_off(0x1'0002'0301));
    EXPECT_EQ(firmware.calls.back(),
              (Firmware::Call{PsciConduit::Smc, kAffinityInfo, {0x1'0002'0301, 0, 0}}));
    psci.system_off();
    EXPECT_EQ(firmware.calls.back(), (Firmware::Call{PsciConduit::Smc, kSystemOff, {}}));
}

TEST_F(PsciTest, a_reset_is_asked_for_in_both_ways_that_the_firmware_has)
{
    const Firmware::Call reset{PsciConduit::Smc, kSystemReset, {}};
    const Firmware::Call features{PsciConduit::Smc, kPsciFeatures, {kSystemReset2, 0, 0}};
    for (const u64 absent : {~u64{0}, u64{0xffff'ffff}}) { // the second by firmware that fills 32 bits only
        firmware.calls.clear();
        answers[kPsciFeatures] = absent;
        psci.system_reset();
        EXPECT_EQ(firmware.calls, (std::vector<Firmware::Call>{reset, features}));
    }
    firmware.calls.clear();
    answers[kPsciFeatures] = 0;
    psci.system_reset();
    // A warm reset, without a cookie.
    EXPECT_EQ(firmware.calls,
              (std::vector<Firmware::Call>{reset, features, {PsciConduit::Smc, kSystemReset2, {0, 0, 0}}}));
}

} // namespace

} // namespace percival::arch
