// SPDX-License-Identifier: BSD-2-Clause
// The litmus shapes that the kernel tries on real pages. Names are in the style of the field: W and R write
// and read, T and Tf are translations that succeed and fault, inv and ro are descriptors made invalid and
// read-only, and behind each + stand the steps of one CPU. tests/host/page_table/probed_shapes_test.cpp has
// the twin of each shape on the simulated machine. Any context, also on the host.
#pragma once

#include "kernel/lib/types.hpp"

#include <array>
#include <string_view>

namespace percival {

// What Arm's model says of the outcome that a shape asks for.
enum class ShapeVerdict : u8 { Forbidden, Allowed, AllowedBeforeEts2 };

constexpr bool is_allowed(ShapeVerdict verdict, bool has_ets2)
{
    return verdict == ShapeVerdict::Allowed || (verdict == ShapeVerdict::AllowedBeforeEts2 && !has_ets2);
}

// The outcome of one try: the page that the access met, or a fault. A fault counts also if the exception
// handler had the access made again.
enum class Outcome : u8 { Fault, Old, New, Reused };
inline constexpr std::array<std::string_view, 4> kOutcomeNames{"fault", "old", "new", "reused"};

struct LitmusShape {
    std::string_view name;
    Outcome asked;
    ShapeVerdict verdict;
};

inline constexpr std::array<LitmusShape, 10> kLitmusShapes{{
    // publish(): a CPU uses what it mapped.
    {"CoWTf.inv+dsb.ishst-isb", Outcome::Fault, ShapeVerdict::Forbidden},
    {"CoWTf.inv+dsb.ishst", Outcome::Fault, ShapeVerdict::AllowedBeforeEts2},
    // A CPU finds an entry that another made.
    {"CoRpteTf.inv+dsb.ishst-isb", Outcome::Fault, ShapeVerdict::Allowed},
    // A CPU is told of a mapping: why there is a handler of spurious faults.
    {"MP.RTf.inv+dsb.ishst-rel+acq", Outcome::Fault, ShapeVerdict::AllowedBeforeEts2},
    // TlbBatch: a CPU flushes what it unmapped.
    {"CoWinvT+dsb.ishst-tlbiis-dsb-isb", Outcome::Old, ShapeVerdict::Forbidden},
    // Lists of freed areas are handed over, and another CPU flushes.
    {"MP.RinvT+dmb.ishst+xchg-dsb.ishst-tlbiis-dsb-isb", Outcome::Old, ShapeVerdict::Forbidden},
    // Break-before-make, as of a split and a repaint.
    {"BBM+dsb.ishst-tlbiis-dsb-rel+acq", Outcome::Old, ShapeVerdict::Forbidden},
    // Seals: made read-only in place, and written.
    {"MP.RWro+dsb.ishst-tlbiis-dsb-rel+acq", Outcome::Old, ShapeVerdict::Forbidden},
    // Two aliases broken and remade: the new page by one, then the old one by the other. Forbidden only by
    // texts of the architecture since November 2025.
    {"BBM.alias+dsb.ishst-tlbiis-dsb+dmb.ishld", Outcome::Old, ShapeVerdict::Allowed},
    // A page is used again: new data through the old address.
    {"MP.RTreuse+dsb.ishst-tlbiis-dsb", Outcome::Reused, ShapeVerdict::Forbidden},
}};

} // namespace percival
