// SPDX-License-Identifier: BSD-2-Clause
// What most files of the kernel include, precompiled. They include what they use all the same: the preset no-local-percpu
// has standard_headers.hpp in this one's place.
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
