// SPDX-License-Identifier: BSD-2-Clause
// What most files of the kernel include. They include what they use all the same: the preset no-local-percpu is built
// without this.
#pragma once

#include "kernel/cpus.hpp"
#include "kernel/machine.hpp"
#include "kernel/print.hpp"
#include "kernel/selftest.hpp"
#include "kernel/spinlock.hpp"
#include "mm/kernel_tables.hpp"
#include "mm/page_allocator.hpp"
#include "mm/percpu.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
