// SPDX-License-Identifier: BSD-2-Clause
// Marks kernel data that is written only while the kernel comes up. The linker collects it in a part of the
// image of its own, which becomes read-only when init ends (mm/kernel_map/ro_after_init.hpp).
//
// For definitions in source files only, never in a header: Clang forgets that a section is writable when it
// reads a precompiled header, and takes every variable of such a section there for a constant.
#pragma once

#if __STDC_HOSTED__
#define PERCIVAL_RO_AFTER_INIT // host programs have no init
#else
#define PERCIVAL_RO_AFTER_INIT [[gnu::section(".ro_after_init")]]
#endif
