// SPDX-License-Identifier: BSD-2-Clause
// The boundaries of the image's parts, from linker/kernel.lds.S. These symbols have an address but no
// meaningful value.
#pragma once

#include "kernel/lib/types.hpp"

namespace percival::mm {
struct ImageSeal;
}

extern "C" {
extern const char _image_start[], _image_end[];
extern const char _text[], _etext[];
extern const char _sealed[]; // behind the headers: the first byte of the image's sums
extern const char _rodata[], _erodata[];
extern const percival::mm::ImageSeal _image_seal; // the last bytes of the file: mm/image/image_seal.hpp
extern const char _data[], _edata[], _ebss[];
extern const char _ro_after_init[], _ero_after_init[]; // part of the data, as are the boot tables behind it
extern const char _boot_tables[], _eboot_tables[];
extern const char _idmap_text[], _idmap_text_end[];
extern const char _idmap_data[];
extern const char _percpu_start[], _percpu_end[]; // local addresses
extern const char _percpu_initialized[];          // from here on they are not zero at first
extern const char _percpu_template[];             // their initial bytes from there on, in the image
extern percival::u64 _got[], _egot[];             // the global offset table, which library code uses
extern const char boot_stack[], boot_stack_top[];
}
