// SPDX-License-Identifier: BSD-2-Clause
// Tests PSCI on firmware whose answers are written down.
#include "arch/arm64/devices/psci.hpp"
#include "arch/arm64/devices/smccc.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace percival::arch {
namespace {

constexpr u32 kPsciVersion = 0x8400'0000, kCpuOff = 0x8400'0002, kMigrateInfoType = 0x8400'0006;
constexpr u32 kAffinityInfo = 0xc400'0004, kMigrateInfoUpCpu = 0xc400'0007;

// The answer to each function. What is not in it is not supported.
std::map<u32, u64> answers;
std::vector<u32> calls;

class PsciTest : public ::testing::Test {
protected:
    PsciTest()
    {
        answers.clear();
        calls.clear();
    }
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
    EXPECT_EQ(calls.back(), kMigrateInfoType); // its CPU is undefined, and not asked for
    answers[kMigrateInfoType] = 0xffff'ffff;   // the same error by firmware that fills 32 bits only
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
    EXPECT_EQ(calls, std::vector<u32>{kCpuOff});
}

} // namespace

u64 call_firmware(PsciConduit, u32 function, u64, u64, u64)
{
    calls.push_back(function);
    const auto answer = answers.find(function);
    return answer == answers.end() ? kNotSupported : answer->second;
}

} // namespace percival::arch
