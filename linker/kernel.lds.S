/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's memory image, linked at the start of the image window. The boundaries between text, read-only
 * data and writable data are granule aligned, because each part is mapped with its own protection (W^X).
 *
 * The static percpu section is linked at its local address: `&counter` is a constant that names this CPU's
 * copy. It begins with the variables that are zero at first, which take no room in the file. The bytes of the
 * others, the template from which every unit is initialized, are loaded with the read-only data.
 */
#include "asm_offsets.h"

OUTPUT_FORMAT("elf64-littleaarch64")
OUTPUT_ARCH(aarch64)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    percpu_zero PT_LOAD FLAGS(4);
    percpu PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = IMAGE_BASE;
    _image_start = .;
    _text = .;
    .text : AT(ADDR(.text)) {
        KEEP(*(.head.text))
        KEEP(*(.head.pe))
        . = ALIGN(PE_ALIGNMENT);
        /* Loaders and signers write into the headers before. */
        _sealed = .;
        /* What a refusal needs when the rest of a cut Image is missing, with its strings: boot/refuse.cpp. */
        *percival_early.dir*(.text .text.*)
        *device_tree/damaged_structure.cpp.*(.text .text.*)
        *(.text._ZN8percival9number_in*)
        *uart/earlycon.cpp.*(.text .text.*)
        *boot_arguments/given_arguments.cpp.*(.text .text.*)
        *device_tree/salvage.cpp.*(.text .text.*)
        *uart/uart_table.cpp.*(.text .text.*)
        _early_rodata = .;
        *percival_early.dir*(.rodata .rodata.*)
        *device_tree/damaged_structure.cpp.*(.rodata .rodata.*)
        *uart/earlycon.cpp.*(.rodata .rodata.*)
        *boot_arguments/given_arguments.cpp.*(.rodata .rodata.*)
        *device_tree/salvage.cpp.*(.rodata .rodata.*)
        *uart/uart_table.cpp.*(.rodata .rodata.*)
        . = ALIGN(8);
        _eearly_rodata = .;
        *device_tree/view.cpp.*(.text .text.*)
        *devices/uart.cpp.*(.text .text.*)
        *devices/psci.cpp.*(.text .text.*)
        *devices/smccc.cpp.*(.text .text.*)
        *devices/semihosting.cpp.*(.text .text.*)
        *image/image_seal.cpp.*(.text .text.*)
        *lib/string.cpp.*(.text .text.*)
        . = ALIGN(8);
        *(.text .text.*)
        __start_percpu_op_text = .;
        *(.percpu_op.text)
        __stop_percpu_op_text = .;
        . = ALIGN(4096);
        _idmap_text = .;
        *(.idmap.text)
        _idmap_text_end = .;
        . = ALIGN(PAGE_SIZE);
    } :text
    ASSERT(_idmap_text_end - _idmap_text <= 4096, "the identity-mapped code must fit into 4 KiB")
    _etext = .;

    _rodata = .;
    .rodata : AT(ADDR(.rodata)) {
        *(.rodata .rodata.*)
        . = ALIGN(8);
        __start_alternatives = .;
        KEEP(*(alternatives))
        __stop_alternatives = .;
        __start_restartable = .;
        KEEP(*(restartable))
        __stop_restartable = .;
        __start_level_sites = .;
        KEEP(*(level_sites))
        __stop_level_sites = .;
        . = ALIGN(8);
        __start_selftests = .;
        KEEP(*(selftests))
        __stop_selftests = .;
        . = ALIGN(8);
        __start_benchmarks = .;
        KEEP(*(benchmarks))
        __stop_benchmarks = .;
        *(.data.rel.ro .data.rel.ro.*)
        . = ALIGN(8);
        _got = .;
        *(.got .got.plt .igot .igot.plt)
        _egot = .;
        . = ALIGN(64);
    } :rodata
    _percpu_template = .;

    .percpu_zero LOCAL_PERCPU_BASE : AT(ADDR(.percpu_zero)) {
        _percpu_start = .;
        *(.bss.percpu.page_aligned)
        *(.bss.percpu .bss.percpu.*)
        . = ALIGN(64);
    } :percpu_zero
    .percpu : AT(_percpu_template) ALIGN(64) {
        _percpu_initialized = .;
        *(.percpu .percpu.*)
        . = ALIGN(64);
        _percpu_end = .;
    } :percpu
    ASSERT(_percpu_end - _percpu_start <= SLAB_SIZE / 2, "static percpu data must leave room in the slab")

    /* The last part of the read-only data, so that filling the table moves nothing that has a symbol. */
    . = _percpu_template + SIZEOF(.percpu);
    . = ALIGN(64);
    .symbols . : AT(ADDR(.symbols)) {
        KEEP(*(.symbols))
        . = ALIGN(PAGE_SIZE);
    } :rodata
    _erodata = .;

    _data = .;
    .data . : AT(ADDR(.data)) {
        *(.data .data.*)
        /* Mapped with single pages, so that it can be made read-only: linker/ro_after_init.hpp. */
        . = ALIGN(PAGE_SIZE);
        _ro_after_init = .;
        *(.ro_after_init)
        /* The last bytes of the file, which scripts/seal_image.py fills in: mm/image/image_seal.hpp. */
        . = ALIGN(. + IMAGE_SEAL_SIZE, 4096) - IMAGE_SEAL_SIZE;
        _image_seal = .;
        QUAD(IMAGE_SEAL_MAGIC)
        QUAD(0)
        QUAD(0)
        . = ALIGN(4096);
    } :data
    _edata = .;
    .bss . : AT(ADDR(.bss)) {
        /* Mapped with single pages, so that some of them can be made read-only later. */
        . = ALIGN(PAGE_SIZE);
        _ero_after_init = .;
        _boot_tables = .;
        *(.bss.boot_tables)
        . = ALIGN(PAGE_SIZE);
        _eboot_tables = .;
        /* A page of its own: the idmap maps it, too. */
        _idmap_data = .;
        *(.bss.idmap_data)
        . = ALIGN(PAGE_SIZE);
        _idmap_data_end = .;
        *(.bss.page_aligned)
        *(.bss .bss.* COMMON)
        . = ALIGN(PAGE_SIZE);
    } :data
    ASSERT(_idmap_data_end - _idmap_data <= PAGE_SIZE, "the identity-mapped data must fit into a page")
    _ebss = .;
    _image_end = .;
    _image_size = _image_end - _image_start;
    ASSERT(_image_size <= IMAGE_WINDOW_SIZE, "the image does not fit the image window")

    /* Places and sizes in the file, for boot/pe_header.S. */
    _pe_entry = uefi_main - _image_start;
    _pe_text_size = _etext - _image_start - PE_ALIGNMENT;
    _pe_rodata = _rodata - _image_start;
    _pe_rodata_size = _erodata - _rodata;
    _pe_data = _data - _image_start;
    _pe_data_size = _image_end - _data;
    _pe_data_file_size = _edata - _data;
    _pe_initialized_size = _edata - _rodata;
    _pe_image_size = _image_size;
    ASSERT(_pe_rodata == PE_ALIGNMENT + _pe_text_size && _pe_data == _pe_rodata + _pe_rodata_size,
           "the sections of the PE file leave a gap")

    /DISCARD/ : { *(.comment) *(.note .note.*) *(.ARM.attributes) *(.llvm_addrsig) *(.eh_frame) }

    /* A static image at a fixed address has nothing to relocate and nothing to resolve at run time. */
    .rela.dyn : { *(.rela .rela.* .rela_*) *(.rela*) }
    .iplt : { *(.plt .iplt) }
    ASSERT(SIZEOF(.rela.dyn) == 0 && SIZEOF(.iplt) == 0, "dynamic relocations in a static image")

    .debug_info 0 : { *(.debug_info) }
    .debug_abbrev 0 : { *(.debug_abbrev) }
    .debug_line 0 : { *(.debug_line) }
    .debug_line_str 0 : { *(.debug_line_str) }
    .debug_str 0 : { *(.debug_str) }
    .debug_str_offsets 0 : { *(.debug_str_offsets) }
    .debug_addr 0 : { *(.debug_addr) }
    .debug_loclists 0 : { *(.debug_loclists) }
    .debug_rnglists 0 : { *(.debug_rnglists) }
    .debug_loc 0 : { *(.debug_loc) }
    .debug_ranges 0 : { *(.debug_ranges) }
    .debug_frame 0 : { *(.debug_frame) }
    .debug_aranges 0 : { *(.debug_aranges) }
    .debug_names 0 : { *(.debug_names) }
    .debug_pubnames 0 : { *(.debug_pubnames) }
    .debug_pubtypes 0 : { *(.debug_pubtypes) }
    .debug_macinfo 0 : { *(.debug_macinfo) }
    .debug_macro 0 : { *(.debug_macro) }
    .symtab 0 : { *(.symtab) }
    .strtab 0 : { *(.strtab) }
    .shstrtab 0 : { *(.shstrtab) }
}
