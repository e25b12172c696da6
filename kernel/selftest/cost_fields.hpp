// SPDX-License-Identifier: BSD-2-Clause
// What a benchmark's JSON line says of its cost. Any context, also on the host.
#pragma once

#include "kernel/lib/format.hpp"
#include "kernel/selftest/cost.hpp"

#include <string_view>

namespace percival {

inline void put_hundredths(Writer& out, std::string_view name, u64 value)
{
    format(out, ",\"{}\":{}.{:02}", name, value / 100, value % 100);
}

// Appends the fields of a cost to a JSON object that has a field.
inline void put_cost(Writer& json, const Cost& cost)
{
    put_hundredths(json, "cycles", cost.cycles.median);
    put_hundredths(json, "cycles_minimum", cost.cycles.minimum);
    put_hundredths(json, "cycles_p99", cost.cycles.p99);
    if (cost.tlb_refills)
        put_hundredths(json, "tlb_refills", *cost.tlb_refills);
    if (cost.tlb_walks)
        put_hundredths(json, "tlb_walks", *cost.tlb_walks);
    format(json, ",\"thrown_away\":{}", cost.thrown_away);
}

} // namespace percival
