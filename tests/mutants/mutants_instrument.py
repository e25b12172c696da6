# SPDX-License-Identifier: BSD-2-Clause
"""Mutants of what benchmarks measure with."""

from __future__ import annotations

from mutant import by_boot, on_host

TEST = ("tests/host/report/instrument_test.cpp", "kernel/lib/format.cpp")
LOOPS = "kernel/selftest/known_loops.hpp"
COST = "kernel/selftest/cost.hpp"
INSTRUMENT = "kernel/selftest/instrument.cpp"
CLEAN = "            !exceptions.saw_one() && !RunningCounters::overflowed()};"

MUTANTS = (
    on_host(
        "instrument: cycles of an emulator that counts instructions are believed",
        LOOPS,
        "    else if (loops.multiplication < 180)",
        "    else if (loops.multiplication < 100)",
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
)
