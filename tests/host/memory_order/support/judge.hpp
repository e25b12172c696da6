// SPDX-License-Identifier: BSD-2-Clause
// Judges each order that a source file asks for: without it, one of the scenarios must fail. An order that
// nothing depends on, or no scenario can see, is a row of memory_order/equivalents.tsv, which says why.
#pragma once

#include "memory_order/support/order_explorer.hpp"

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace percival::testing {

using Files = std::initializer_list<std::string_view>;

// Calls `explored` with the code as it is, and then without each order that `files` ask for. It explores all
// scenarios and returns the first failure. Returns what is wrong, or an empty string.
std::string judge(Files files, const std::function<std::string()>& explored);

// Explores the scenarios within the bounds, and judges the orders of `files` by that. All orders of a file
// are judged at once, so the scenarios have to reach all.
template <class... Scenarios>
std::string judge(Files files, const Bounds& bounds = {})
{
    return judge(files, [&] {
        std::string failure;
        ((failure += failure.empty() ? order_explorer().explore<Scenarios>(bounds).failure : ""), ...);
        return failure;
    });
}

// The same for scenarios with too many steps for that: explores `schedules` of each at random, from `seed`
// on.
template <class... Scenarios>
std::string judge_at_random(Files files, u64 seed, u64 schedules)
{
    return judge(files, [&] {
        std::string failure;
        ((failure +=
          failure.empty() ? order_explorer().explore_at_random<Scenarios>(seed, schedules).failure : ""),
         ...);
        return failure;
    });
}

} // namespace percival::testing
