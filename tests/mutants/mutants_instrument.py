# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of what benchmarks measure with."""

from __future__ import annotations

from mutant import by_boot, on_host

TEST = ("tests/host/report/instrument_test.cpp", "kernel/lib/format.cpp")
LOOPS = "kernel/selftest/known_loops.hpp"
COST = "kernel/selftest/cost.hpp"
INSTRUMENT = "kernel/selftest/instrument.cpp"
PARTS = ("tests/host/probes/probe_parts_test.cpp",)
SHAPES = ("tests/host/page_table/probed_shapes_test.cpp",)
CLEAN = "            !exceptions.saw_one() && !RunningCounters::overflowed()};"

MUTANTS = (
    on_host(
        "instrument: cycles of an emulator that counts instructions are believed",
        LOOPS,
        "    } else if (loops.multiplication < 180) {",
        "    } else if (loops.multiplication < 100) {",
        TEST,
        "KnownLoops.*",
    ),
    on_host(
        "instrument: a clock that is off makes the machine an emulator",
        LOOPS,
        '        verdicts.cycles = "an addition does not take one cycle";',
        '        verdicts.cycles = "an addition does not take one cycle", verdicts.is_emulated = true;',
        TEST,
        "KnownLoops.*",
    ),
    on_host(
        "instrument: an event that counts every access is believed",
        LOOPS,
        '    return in_use <= 2 ? "" :',
        '    return in_use <= 100 ? "" :',
        TEST,
        "KnownLoops.*",
    ),
    on_host(
        "instrument: the loop itself counts",
        COST,
        "        return hundredths_more(of_sample, least, turns);",
        "        return hundredths_more(of_sample, least * 0, turns);",
        TEST,
        "Cost.*",
    ),
    on_host(
        "instrument: the 99th percentile is the highest sample",
        "kernel/selftest/samples.hpp",
        "        return {sorted.front(), ranked(50), ranked(99)};",
        "        return {sorted.front(), ranked(50), ranked(100)};",
        TEST,
        "Samples.*",
    ),
    on_host(
        "core kinds: a CPU is compared with the one before only",
        "kernel/selftest/core_kinds.hpp",
        "other.index() >= cpu.index()",
        "other.index() + 1 != cpu.index()",
        TEST,
        "CoreKinds.*",
    ),
    on_host(
        "core kinds: the last CPU of a kind stands for it",
        "kernel/selftest/core_kinds.hpp",
        "other.index() >= cpu.index()",
        "other.index() <= cpu.index()",
        TEST,
        "CoreKinds.*",
    ),
    by_boot(
        "instrument: samples with an exception count",
        INSTRUMENT,
        CLEAN,
        "            !RunningCounters::overflowed()};",
        "instrument.*",
    ),
    by_boot(
        "instrument: samples with an overflow count",
        INSTRUMENT,
        CLEAN,
        "            !exceptions.saw_one()};",
        "instrument.*",
    ),
    on_host(
        "probes: a time ends the tries before there are any",
        "kernel/probes/budget.hpp",
        "made < kLeast || passed < ticks",
        "passed < ticks",
        PARTS,
        "TryBudget.*",
    ),
    on_host(
        "probes: on 16 CPUs some pairs are left out",
        "kernel/probes/tlb_pairs.hpp",
        "kAllPairsUpTo = 16",
        "kAllPairsUpTo = 8",
        PARTS,
        "PairDistances.*",
    ),
    on_host(
        "probes: what Arm's model allows before FEAT_ETS2 is forbidden always",
        "kernel/probes/litmus_shapes.hpp",
        '"MP.RTf.inv+dsb.ishst-rel+acq", Outcome::Fault, ShapeVerdict::AllowedBeforeEts2',
        '"MP.RTf.inv+dsb.ishst-rel+acq", Outcome::Fault, ShapeVerdict::Forbidden',
        SHAPES,
        "ProbedShapes.*",
    ),
    on_host(
        "probes: a page that is used again may be seen through its old address",
        "kernel/probes/litmus_shapes.hpp",
        "Outcome::Reused, ShapeVerdict::Forbidden",
        "Outcome::Reused, ShapeVerdict::Allowed",
        SHAPES,
        "ProbedShapes.*",
    ),
    by_boot(
        "probes: a fault that the handler retries is no fault",
        "kernel/probes/shape_steps.cpp",
        "seen != asked_ && retried_faults(self) != before",
        "seen != asked_ && retried_faults(self) < before",
        "probes.*",
    ),
    by_boot(
        "probes: the observer's TLB is cold",
        "kernel/probes/shape_steps.cpp",
        "            warm();\n",
        "",
        "probes.*",
    ),
    by_boot(
        "probes: the guest keeps its own root",
        "kernel/probes/tlb_pairs.cpp",
        "            elsewhere.emplace(kBootCpu);",
        "            elsewhere.reset();",
        "probes.*",
    ),
)
