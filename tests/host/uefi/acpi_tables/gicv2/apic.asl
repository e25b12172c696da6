/* SPDX-License-Identifier: BSD-2-Clause */
/* APIC of QEMU 10.0: virt,gic-version=2 with 2 CPUs. */

[0004] Signature : "APIC"
[0004] Table Length : 000000FC
[0001] Revision : 04
[0001] Checksum : 61
[0006] Oem ID : "BOCHS "
[0008] Oem Table ID : "BXPC    "
[0004] Oem Revision : 00000001
[0004] Asl Compiler ID : "BXPC"
[0004] Asl Compiler Revision : 00000001

[0004] Local Apic Address : 00000000
[0004] Flags (decoded below) : 00000000
       PC-AT Compatibility : 0

[0001] Subtable Type : 0C
[0001] Length : 18
[0002] Reserved : 0000
[0004] Local GIC Hardware ID : 00000000
[0008] Base Address : 0000000008000000
[0004] Interrupt Base : 00000000
[0001] Version : 02
[0003] Reserved : 000000

[0001] Subtable Type : 0B
[0001] Length : 50
[0002] Reserved : 0000
[0004] CPU Interface Number : 00000000
[0004] Processor UID : 00000000
[0004] Flags (decoded below) : 00000001
       Processor Enabled : 1
       Performance Interrupt Trigger Mode : 0
       Virtual GIC Interrupt Trigger Mode : 0
[0004] Parking Protocol Version : 00000000
[0004] Performance Interrupt : 00000017
[0008] Parked Address : 0000000000000000
[0008] Base Address : 0000000008010000
[0008] Virtual GIC Base Address : 0000000008040000
[0008] Hypervisor GIC Base Address : 0000000008030000
[0004] Virtual GIC Interrupt : 00000000
[0008] Redistributor Base Address : 0000000000000000
[0008] ARM MPIDR : 0000000000000000
[0001] Efficiency Class : 00
[0001] Reserved : 00
[0002] SPE Overflow Interrupt : 0000

[0001] Subtable Type : 0B
[0001] Length : 50
[0002] Reserved : 0000
[0004] CPU Interface Number : 00000001
[0004] Processor UID : 00000001
[0004] Flags (decoded below) : 00000001
       Processor Enabled : 1
       Performance Interrupt Trigger Mode : 0
       Virtual GIC Interrupt Trigger Mode : 0
[0004] Parking Protocol Version : 00000000
[0004] Performance Interrupt : 00000017
[0008] Parked Address : 0000000000000000
[0008] Base Address : 0000000008010000
[0008] Virtual GIC Base Address : 0000000008040000
[0008] Hypervisor GIC Base Address : 0000000008030000
[0004] Virtual GIC Interrupt : 00000000
[0008] Redistributor Base Address : 0000000000000000
[0008] ARM MPIDR : 0000000000000001
[0001] Efficiency Class : 00
[0001] Reserved : 00
[0002] SPE Overflow Interrupt : 0000

[0001] Subtable Type : 0D
[0001] Length : 18
[0002] Reserved : 0000
[0004] MSI Frame ID : 00000000
[0008] Base Address : 0000000008020000
[0004] Flags (decoded below) : 00000001
       Select SPI : 1
[0002] SPI Count : 0040
[0002] SPI Base : 0050
