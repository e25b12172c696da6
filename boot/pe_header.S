/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The headers that make the Image a PE/COFF application of UEFI (Microsoft PE Format; UEFI 2.10, 2.1.1). They
 * lie behind the header of the boot protocol and fill the image's first 4 KiB, which belong to no section.
 * The Image has no relocations: its UEFI part runs at any address, and the firmware must not think otherwise,
 * so there is no flag that says that relocations were stripped.
 */
#include "asm_offsets.h"

#define MACHINE_ARM64           0xaa64
#define EXECUTABLE              0x0002
#define LINE_NUMBERS_STRIPPED   0x0004
#define DEBUG_STRIPPED          0x0200
#define PE32_PLUS               0x020b
#define SUBSYSTEM_UEFI_APPLICATION 10
#define NX_COMPATIBLE           0x0100
#define SECTION_CODE            0x00000020
#define SECTION_DATA            0x00000040
#define SECTION_EXECUTE         0x20000000
#define SECTION_READ            0x40000000
#define SECTION_WRITE           0x80000000

    .section .head.pe, "a"
    .balign 8
    .global _pe_header
_pe_header:
    .ascii  "PE\0\0"
    .short  MACHINE_ARM64
    .short  3                           // sections
    .long   0                           // time stamp
    .long   0, 0                        // symbols
    .short  sections - optional_header
    .short  EXECUTABLE | LINE_NUMBERS_STRIPPED | DEBUG_STRIPPED

optional_header:
    .short  PE32_PLUS
    .byte   0, 0                        // version of the linker
    .long   _pe_text_size               // code
    .long   _pe_initialized_size        // initialized data
    .long   0                           // uninitialized data: in the last section
    .long   _pe_entry
    .long   PE_ALIGNMENT                // where the code begins
    .quad   0                           // preferred address: none
    .long   PE_ALIGNMENT                // of sections in memory
    .long   PE_ALIGNMENT                // of sections in the file
    .short  0, 0                        // version of the operating system
    .short  0, 0                        // version of the image
    .short  0, 0                        // version of the subsystem
    .long   0
    .long   _pe_image_size
    .long   PE_ALIGNMENT                // of the headers
    .long   0                           // checksum
    .short  SUBSYSTEM_UEFI_APPLICATION
    .short  NX_COMPATIBLE
    .quad   0, 0, 0, 0                  // stack and heap: UEFI has its own
    .long   0
    .long   6                           // data directories; the fifth is for signatures
    .quad   0, 0, 0, 0, 0, 0

sections:
    .ascii  ".text\0\0\0"
    .long   _pe_text_size, PE_ALIGNMENT // in memory: size, address
    .long   _pe_text_size, PE_ALIGNMENT // in the file
    .long   0, 0, 0                     // relocations, line numbers
    .long   SECTION_CODE | SECTION_EXECUTE | SECTION_READ

    .ascii  ".rodata\0"
    .long   _pe_rodata_size, _pe_rodata
    .long   _pe_rodata_size, _pe_rodata
    .long   0, 0, 0
    .long   SECTION_DATA | SECTION_READ

    .ascii  ".data\0\0\0"
    .long   _pe_data_size, _pe_data
    .long   _pe_data_file_size, _pe_data
    .long   0, 0, 0
    .long   SECTION_DATA | SECTION_READ | SECTION_WRITE
