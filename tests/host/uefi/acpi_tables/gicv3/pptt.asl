/* SPDX-License-Identifier: BSD-2-Clause */
/* PPTT of QEMU 10.0: virt,gic-version=3 with 2 cores of 2 threads, and 2 NUMA nodes of 2 CPUs. */

[0004] Signature : "PPTT"
[0004] Table Length : 000000C4
[0001] Revision : 02
[0001] Checksum : 6B
[0006] Oem ID : "BOCHS "
[0008] Oem Table ID : "BXPC    "
[0004] Oem Revision : 00000001
[0004] Asl Compiler ID : "BXPC"
[0004] Asl Compiler Revision : 00000001

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 00000001
       Physical package : 1
       ACPI Processor ID valid : 0
       Processor is a thread : 0
       Node is a leaf : 0
       Identical Implementation : 0
[0004] Parent : 00000000
[0004] ACPI Processor ID : 00000000
[0004] Private Resource Number : 00000000

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 00000000
       Physical package : 0
       ACPI Processor ID valid : 0
       Processor is a thread : 0
       Node is a leaf : 0
       Identical Implementation : 0
[0004] Parent : 00000024
[0004] ACPI Processor ID : 00000000
[0004] Private Resource Number : 00000000

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 00000000
       Physical package : 0
       ACPI Processor ID valid : 0
       Processor is a thread : 0
       Node is a leaf : 0
       Identical Implementation : 0
[0004] Parent : 00000038
[0004] ACPI Processor ID : 00000000
[0004] Private Resource Number : 00000000

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 0000000E
       Physical package : 0
       ACPI Processor ID valid : 1
       Processor is a thread : 1
       Node is a leaf : 1
       Identical Implementation : 0
[0004] Parent : 0000004C
[0004] ACPI Processor ID : 00000000
[0004] Private Resource Number : 00000000

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 0000000E
       Physical package : 0
       ACPI Processor ID valid : 1
       Processor is a thread : 1
       Node is a leaf : 1
       Identical Implementation : 0
[0004] Parent : 0000004C
[0004] ACPI Processor ID : 00000001
[0004] Private Resource Number : 00000000

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 00000000
       Physical package : 0
       ACPI Processor ID valid : 0
       Processor is a thread : 0
       Node is a leaf : 0
       Identical Implementation : 0
[0004] Parent : 00000038
[0004] ACPI Processor ID : 00000001
[0004] Private Resource Number : 00000000

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 0000000E
       Physical package : 0
       ACPI Processor ID valid : 1
       Processor is a thread : 1
       Node is a leaf : 1
       Identical Implementation : 0
[0004] Parent : 00000088
[0004] ACPI Processor ID : 00000002
[0004] Private Resource Number : 00000000

[0001] Subtable Type : 00
[0001] Length : 14
[0002] Reserved : 0000
[0004] Flags (decoded below) : 0000000E
       Physical package : 0
       ACPI Processor ID valid : 1
       Processor is a thread : 1
       Node is a leaf : 1
       Identical Implementation : 0
[0004] Parent : 00000088
[0004] ACPI Processor ID : 00000003
[0004] Private Resource Number : 00000000
