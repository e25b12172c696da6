// SPDX-License-Identifier: BSD-2-Clause
// The drivers of the GIC on a strict model of its registers. Every test fails on an access that the model
// finds wrong, and on a write that the driver has not waited for.
#pragma once

#include "arch/arm64/devices/gic.hpp"
#include "arch/cpu/cpu_identity.hpp"
#include "arch/percpu/register.hpp"
#include "arch/simulation/gic_model.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace percival {

using arch::Ipi;
using Version = GicModel::Version;

inline constexpr u32 kSgis = 0xffff;
inline constexpr u32 kTimerBit = u32{1} << GicModel::kTimer;
inline constexpr u64 kFrame = GicModel::kFrame;

// The bits that the kernel keeps of what the firmware wrote: DS and E1NWF of GICD_CTLR, PMHE of ICC_CTLR_EL1,
// and the bypass bits of GICC_CTLR.
inline constexpr u32 kDistributorOfFirmware = 0xc0;
inline constexpr u64 kInterfaceOfFirmwareV2 = 0x1e0;
inline constexpr u64 kInterfaceOfFirmwareV3 = 0x40;

// Tests of one version, on a machine whose firmware has left a wrong value in every register.
class GicBed {
protected:
    explicit GicBed(Version version) : gic{version}
    {
        arch::played_affinity = 0;
        arch::played_distance = 0;
        gic.targets.fill(1);
        gic.priorities.fill(0xf8);
        gic.group_1_active = {1, 2, 4, 8};
        if (version == Version::V2) {
            gic.distributor_control = 1;
            gic.interface_control = kInterfaceOfFirmwareV2 | 0x601;
            gic.group = 0xffff'ffff;
        } else {
            gic.distributor_control = kDistributorOfFirmware | 3;
            gic.interface_control = kInterfaceOfFirmwareV3 | 3;
            gic.group_0_active = {1, 2, 4, 8};
            gic.group_0_enabled = true;
            gic.redistributor_sleeps = true;
            gic.priority_bits = 7;
        }
    }
    ~GicBed()
    {
        EXPECT_EQ(gic.wrong_accesses, std::vector<std::string>{});
        EXPECT_TRUE(gic.has_settled());
    }

    // Sets the GIC up for one CPU, as the kernel does for the boot CPU.
    arch::InterruptControllerResult set_up(CpuId cpu = kBootCpu)
    {
        if (const auto ready = arch::interrupt_controller_init(gic.description(), gic.registers()); !ready)
            return ready;
        return arch::interrupt_controller_init_cpu(cpu, arch::played_affinity | u64{1} << 31);
    }

    // Expects that the set-up fails with an error that contains `words`.
    void refuses(std::string_view words)
    {
        const auto result = set_up();
        ASSERT_FALSE(result) << words;
        EXPECT_NE(result.error().find(words), std::string_view::npos) << result.error();
    }

    // Sends after stores that the handler must see. Returns the value that the GIC got.
    u64 send(CpuId target, Ipi ipi)
    {
        gic.sent.clear();
        gic.make_stores();
        arch::send_ipi(target, ipi);
        EXPECT_EQ(gic.sent.size(), 1u);
        return gic.sent.empty() ? 0 : gic.sent.front();
    }

    GicModel gic;
};

} // namespace percival
