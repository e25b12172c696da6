# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of the values that descriptors and the registers of translation have."""

from __future__ import annotations

from mutant import on_host_arm64

PTE = "arch/arm64/include/arch/mmu/pte.hpp"
REGISTERS = "arch/arm64/include/arch/mmu/translation_registers.hpp"
ROOT_REGISTER = "arch/arm64/include/arch/mmu/root_register.hpp"
VALUES = ("tests/host/register_values/register_values_test.cpp",)

MUTANTS = (
    on_host_arm64(
        "values: a leaf is executable in user mode",
        PTE,
        "        raw = UserExecuteNever::in(raw, 1);\n",
        "",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: Normal memory is outer shareable",
        PTE,
        "kInnerShareable = 3;\n" "\n" "    using",
        "kInnerShareable = 2;\n" "\n" "    using",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: branches into text need no landing pad",
        PTE,
        "            raw = Guarded::in(raw, 1);\n",
        "            raw = Guarded::in(raw, 0);\n",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: the access flag is left out",
        PTE,
        "        raw = AccessFlag::in(raw, 1);\n",
        "",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: read-only and AP[1] are one another",
        PTE,
        "    using UserAccess = Field<6>; // AP[1]\n" "    using ReadOnly = Field<7>;   // AP[2]\n",
        "    using UserAccess = Field<7>; // AP[1]\n" "    using ReadOnly = Field<6>;   // AP[2]\n",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: PXN and UXN are one another",
        PTE,
        "    using PrivilegedExecuteNever = Field<53>;\n" "    using UserExecuteNever = Field<54>;\n",
        "    using PrivilegedExecuteNever = Field<54>;\n" "    using UserExecuteNever = Field<53>;\n",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: the contiguous hint is the dirty bit",
        PTE,
        "Contiguous = Field<52>;",
        "Contiguous = Field<51>;",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: bits 51:48 of an address are one bit too low with 64 KiB",
        PTE,
        "LpaHigh = Field<15, 12>;",
        "LpaHigh = Field<14, 11>;",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: bits 51:50 of an address are in the wrong order with LPA2",
        PTE,
        "            raw = Lpa2High::in(raw, address.raw() >> 50);",
        "            raw = Lpa2High::in(raw, (address.raw() >> 51 & 1) | (address.raw() >> 49 & 2));",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: bits 49:48 of an address are lost with LPA2",
        PTE,
        "AddressFormat::Lpa2 ? 0x0003'ffff'ffff'f000",
        "AddressFormat::Lpa2 ? 0x0000'ffff'ffff'f000",
        VALUES,
        "DescriptorValues.*",
    ),
    on_host_arm64(
        "values: a table limits its leaves",
        PTE,
        "return Pte{encode(address) | kValidBit | kTableBit}; }",
        "return Pte{encode(address) | kValidBit | kTableBit | u64{1} << 62}; }",
        VALUES,
        "DescriptorValues.tables",
    ),
    on_host_arm64(
        "values: descriptors and MAIR_EL1 exchange the kinds of memory",
        PTE,
        "{ DeviceNGnRE = 0, NormalWriteBack = 1 }",
        "{ DeviceNGnRE = 1, NormalWriteBack = 0 }",
        VALUES,
        "*Values.*",
    ),
    on_host_arm64(
        "values: Normal memory is write-through",
        REGISTERS,
        "kNormalWriteBack = 0xff;",
        "kNormalWriteBack = 0xbb;",
        VALUES,
        "RegisterValues.mair",
    ),
    on_host_arm64(
        "values: registers may be accessed together",
        REGISTERS,
        "kDeviceNGnRE = 0x04;",
        "kDeviceNGnRE = 0x0c;",
        VALUES,
        "RegisterValues.mair",
    ),
    on_host_arm64(
        "values: walks of the kernel half are not cached",
        REGISTERS,
        "            .with<Orgn1>(kWriteBack)\n",
        "",
        VALUES,
        "RegisterValues.tcr",
    ),
    on_host_arm64(
        "values: walks are not shareable",
        REGISTERS,
        "            .with<Sh1>(kInnerShareable)\n",
        "",
        VALUES,
        "RegisterValues.tcr",
    ),
    on_host_arm64(
        "values: both halves have the granule encoded alike",
        REGISTERS,
        "enum class Tg1 : u64 { K16 = 1, K4 = 2, K64 = 3 };",
        "enum class Tg1 : u64 { K4 = 0, K64 = 1, K16 = 2 };",
        VALUES,
        "RegisterValues.tcr",
    ),
    on_host_arm64(
        "values: a folded build has descriptors of 52 bits",
        REGISTERS,
        "            .with<Ds>(wide && G != mm::Granule::K64 ? 1 : 0)\n",
        "            .with<Ds>(KernelBits == 52 && G != mm::Granule::K64 ? 1 : 0)\n",
        VALUES,
        "RegisterValues.tcr*",
    ),
    on_host_arm64(
        "values: memory may be writable and executable",
        REGISTERS,
        ".with<Sa>(1).with<Wxn>(1)",
        ".with<Sa>(1)",
        VALUES,
        "RegisterValues.sctlr",
    ),
    on_host_arm64(
        "values: the high bits of a root's address go elsewhere",
        ROOT_REGISTER,
        "BaseHigh = Field<5, 2>;",
        "BaseHigh = Field<4, 1>;",
        VALUES,
        "RegisterValues.root_register",
    ),
)
