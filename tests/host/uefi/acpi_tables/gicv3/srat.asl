/* SPDX-License-Identifier: BSD-2-Clause */
/* SRAT of QEMU 10.0: virt,gic-version=3 with 2 cores of 2 threads, and 2 NUMA nodes of 2 CPUs. */

[0004] Signature : "SRAT"
[0004] Table Length : 000000C8
[0001] Revision : 03
[0001] Checksum : 2A
[0006] Oem ID : "BOCHS "
[0008] Oem Table ID : "BXPC    "
[0004] Oem Revision : 00000001
[0004] Asl Compiler ID : "BXPC"
[0004] Asl Compiler Revision : 00000001

[0004] Table Revision : 00000001
[0008] Reserved : 0000000000000000

[0001] Subtable Type : 03
[0001] Length : 12

[0004] Proximity Domain : 00000000
[0004] Acpi Processor UID : 00000000
[0004] Flags (decoded below) : 00000001
       Enabled : 1
[0004] Clock Domain : 00000000

[0001] Subtable Type : 03
[0001] Length : 12

[0004] Proximity Domain : 00000000
[0004] Acpi Processor UID : 00000001
[0004] Flags (decoded below) : 00000001
       Enabled : 1
[0004] Clock Domain : 00000000

[0001] Subtable Type : 03
[0001] Length : 12

[0004] Proximity Domain : 00000001
[0004] Acpi Processor UID : 00000002
[0004] Flags (decoded below) : 00000001
       Enabled : 1
[0004] Clock Domain : 00000000

[0001] Subtable Type : 03
[0001] Length : 12

[0004] Proximity Domain : 00000001
[0004] Acpi Processor UID : 00000003
[0004] Flags (decoded below) : 00000001
       Enabled : 1
[0004] Clock Domain : 00000000

[0001] Subtable Type : 01
[0001] Length : 28

[0004] Proximity Domain : 00000000
[0002] Reserved1 : 0000
[0008] Base Address : 0000000040000000
[0008] Address Length : 0000000010000000
[0004] Reserved2 : 00000000
[0004] Flags (decoded below) : 00000001
       Enabled : 1
       Hot Pluggable : 0
       Non-Volatile : 0
[0008] Reserved3 : 0000000000000000

[0001] Subtable Type : 01
[0001] Length : 28

[0004] Proximity Domain : 00000001
[0002] Reserved1 : 0000
[0008] Base Address : 0000000050000000
[0008] Address Length : 0000000010000000
[0004] Reserved2 : 00000000
[0004] Flags (decoded below) : 00000001
       Enabled : 1
       Hot Pluggable : 0
       Non-Volatile : 0
[0008] Reserved3 : 0000000000000000
