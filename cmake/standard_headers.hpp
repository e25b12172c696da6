// SPDX-License-Identifier: BSD-2-Clause
// What most files of the kernel include of the standard library, precompiled.
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
