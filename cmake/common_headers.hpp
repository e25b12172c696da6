// SPDX-License-Identifier: BSD-2-Clause
// What most files of the kernel include, precompiled. They include what they use all the same: the preset no-local-percpu
// has standard_headers.hpp in this one's place.
#pragma once

#include "cmake/standard_headers.hpp"

#include "kernel/cpus.hpp"
#include "kernel/machine.hpp"
#include "kernel/print.hpp"
#include "kernel/selftest.hpp"
#include "kernel/spinlock.hpp"
#include "mm/kernel_tables.hpp"
#include "mm/page_allocator.hpp"
#include "mm/percpu.hpp"
