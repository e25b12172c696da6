// SPDX-License-Identifier: BSD-2-Clause
// The headers that most files of the kernel include, precompiled. Each file still includes the headers that
// it uses; the preset no-local-percpu replaces this header by standard_headers.hpp and so finds missing
// includes.
#pragma once

#include "cmake/standard_headers.hpp"

#include "kernel/cpus/online.hpp"
#include "kernel/device_tree/machine.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/selftest/selftest.hpp"
#include "kernel/sync/spinlock.hpp"
#include "mm/kernel_map/kernel_tables.hpp"
#include "mm/pages/page_allocator.hpp"
#include "mm/percpu/percpu.hpp"
