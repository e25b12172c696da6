// SPDX-License-Identifier: BSD-2-Clause
// The standard library headers that most files of the kernel include, precompiled.
#pragma once

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
