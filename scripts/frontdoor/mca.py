# SPDX-License-Identifier: BSD-2-Clause
"""Estimates the cycles of the benchmarks' loops by llvm-mca, from the code that the compiler emitted.

An estimate is for a turn of the loop around one operation, loop included, with every branch predicted and
every access in the first cache. For each benchmark it is named what the estimate leaves out. The code is that
of the linked kernel: the this_cpu operations are in the mode that the build begins with.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Set

from frontdoor.bench_table import columns, number
from frontdoor.errors import Unavailable

CPUS = ("ampere1a", "neoverse-n1", "neoverse-v2", "cortex-a76", "cortex-a55")
ITERATIONS = 100
MAX_SEQUENCE = 16  # instructions of a this_cpu operation out of line
MCA = "llvm-mca-19"
OBJDUMP = "llvm-objdump-19"
LIMITS = (
    "Cycles per turn of the loop as llvm-mca estimates them, with the loop's own three instructions. No "
    "model has\nTLB misses, cache misses, wrong predictions or other CPUs. The code is as linked: this_cpu "
    "operations without\nLSE, in the build's default mode. Left out: an instruction that is named counts as "
    "nothing, and one with * as a\nplain one that waits for nothing. A loop that calls a function has no "
    "estimate."
)
TURNS = re.compile(r"cmp x\d+, x\d+$")  # the loop's own comparison with the number of turns

_LOOP = re.compile(r"loop_over<percival::\(anonymous namespace\)::benchmark_(\w+)\(\)::\$_0>\(.*__invoke\(")
_LINE = re.compile(r"^ *([0-9a-f]{16}):\s+(\S+)[^\S\n]*([^<\n]*)(?:<.*)?$")
_ADDRESS = re.compile(r"0x[0-9a-f]{16}")
_CALLS = ("bl", "blr")
_SKIPPED = re.compile(r"note: instruction:\s+(\S+)")


@dataclass(frozen=True)
class Loop:
    """The instructions of a benchmark's loop, as assembly. A branch back goes to `again`."""

    name: str
    code: List[str]

    @property
    def mnemonics(self) -> List[str]:
        """The names of the instructions."""
        return [line.split()[0] for line in self.code]

    @property
    def calls(self) -> bool:
        """Whether it calls a function. llvm-mca assumes 100 cycles for a call, which says nothing."""
        return any(name in _CALLS for name in self.mnemonics)


@dataclass(frozen=True)
class Estimate:
    """Cycles of a turn by CPU, and what they leave out."""

    name: str
    instructions: int
    cycles: Dict[str, float]
    left_out: List[str]


@dataclass(frozen=True)
class Estimates:
    """All estimates, and whose model stands for each CPU."""

    models: Dict[str, str]
    rows: List[Estimate]


class _Instruction(NamedTuple):
    address: int
    mnemonic: str
    operands: str

    @property
    def target(self) -> int:
        """The address that the operands name, or 0."""
        match = _ADDRESS.search(self.operands)
        return int(match[0], 16) if match and self.mnemonic not in _CALLS else 0

    def code(self, label: str) -> str:
        """Returns the instruction as assembly, with a label for every address."""
        return f"{self.mnemonic} {_ADDRESS.sub(label, self.operands.split('//')[0]).strip()}".strip()


def _instructions(lines: Sequence[str]) -> List[_Instruction]:
    matches = filter(None, map(_LINE.match, lines))
    return [_Instruction(int(match[1], 16), match[2], match[3]) for match in matches]


def _sequence(image: Dict[int, _Instruction], site: _Instruction) -> List[str]:
    """Returns the sequence out of line to which a site of a this_cpu operation branches and which branches
    back behind it. Returns the branch itself if it is no site."""
    code: List[str] = []
    for at in range(site.target, site.target + 4 * MAX_SEQUENCE, 4):
        line = image.get(at)
        if line is None:
            break
        if line.mnemonic == "b" and line.target == site.address + 4:
            return ["b elsewhere", *code, "b elsewhere"]
        code.append(line.code("elsewhere"))
    return [site.code("elsewhere")]


def _loop_over_turns(image: Dict[int, _Instruction], function: Sequence[_Instruction]) -> List[str]:
    """Returns the instructions of the loop over all turns, which ends behind those that a turn contains, or
    none if the compiler has made something else of it."""
    first = function[0].address if function else 0
    for end, branch in reversed(list(enumerate(function))):
        if not branch.target or not first <= branch.target <= branch.address:
            continue
        body = function[(branch.target - first) // 4 : end]
        inner = range(branch.target, branch.address + 4)
        code = [
            text
            for line in body
            for text in (
                _sequence(image, line)
                if line.mnemonic == "b" and line.target not in inner
                else [line.code("elsewhere")]
            )
        ]
        if branch.mnemonic == "b.lo" and TURNS.match(code[-1] if code else ""):
            return [*code, branch.code("again")]
    return []


def loops(disassembly: str, globs: Sequence[str]) -> List[Loop]:
    """Returns the loops of the benchmarks whose names match one of the globs (none: of all), as far as they
    have one."""
    image = {line.address: line for line in _instructions(disassembly.split("\n"))}
    found = []
    for function in disassembly.split("\n\n"):
        head, *lines = function.strip("\n").split("\n")
        match = _LOOP.search(head)
        if match is not None:
            found.append(Loop(match[1], _loop_over_turns(image, _instructions(lines))))
    return [
        loop
        for loop in found
        if loop.code and (not globs or any(fnmatchcase(loop.name, glob) for glob in globs))
    ]


def assembly(every: Sequence[Loop]) -> str:
    """Returns the loops as input for llvm-mca, with a region for each."""
    lines = []
    for at, loop in enumerate(every):
        code = [re.sub(r"\bagain$", f"again{at}", line) for line in loop.code]
        lines += [f"# LLVM-MCA-BEGIN {loop.name}", f"again{at}:", *code, f"# LLVM-MCA-END {loop.name}"]
    return "\n".join(lines) + "\n"


def _run(command: Sequence[str], text: str = "") -> "subprocess.CompletedProcess[str]":
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise Unavailable(f"{command[0]} failed: {(done.stderr.strip() or 'no message').splitlines()[0]}")
    return done


def _left_out(loop: Loop, region: Dict[str, Any], skipped: Set[str]) -> Set[str]:
    """Returns what the model of one CPU leaves out of a loop."""
    modelled = [line.split()[0] for line in region["Instructions"]]
    missing = (
        {name for name in loop.mnemonics if name in skipped} if len(modelled) < len(loop.code) else set()
    )
    plain = {
        f"{modelled[info['Instruction']]}*"
        for info in region["InstructionInfoView"]["InstructionList"]
        if info["hasUnmodeledSideEffects"]
    }
    return missing | plain


def estimate(every: Sequence[Loop]) -> Estimates:
    """Runs llvm-mca for each CPU. Raises Unavailable if it cannot be run or does not understand the code."""
    straight = [loop for loop in every if not loop.calls]
    text = assembly(straight)
    models: Dict[str, str] = {}
    cycles: Dict[str, Dict[str, float]] = {loop.name: {} for loop in every}
    left_out: Dict[str, Set[str]] = {loop.name: set() for loop in every}
    by_name = {loop.name: loop for loop in straight}
    for cpu in CPUS if straight else ():
        options = ("-mtriple=aarch64", f"-mcpu={cpu}", "-mattr=+v8.5a,+mte", f"-iterations={ITERATIONS}")
        done = _run([MCA, *options, "-skip-unsupported-instructions=any", "--json"], text)
        content = json.loads(done.stdout)
        models[cpu] = str(content["TargetInfo"]["Resources"][0]).partition("Unit")[0]
        skipped = set(_SKIPPED.findall(done.stderr))
        for region in content["CodeRegions"]:
            name = region["Name"]
            cycles[name][cpu] = region["SummaryView"]["TotalCycles"] / ITERATIONS
            left_out[name] |= _left_out(by_name[name], region, skipped)
    rows = []
    for loop in every:
        why = ["the functions it calls"] if loop.calls else sorted(left_out[loop.name])
        rows.append(Estimate(loop.name, len(loop.code), cycles[loop.name], why))
    return Estimates(models, rows)


def estimate_kernel(kernel: Path, globs: Sequence[str]) -> Estimates:
    """Returns the estimates for a linked kernel. Raises Unavailable if it has no such loop, or if there are
    no estimates."""
    found = loops(_run([OBJDUMP, "-dC", "--no-show-raw-insn", str(kernel)]).stdout, globs)
    if not found:
        raise Unavailable(f"{kernel} has no loop of such a benchmark")
    return estimate(found)


def models_line(estimates: Estimates) -> str:
    """Returns whose model stands for each CPU: LLVM lends some CPUs that of another."""
    return "Models: " + ", ".join(f"{cpu} by {model}" for cpu, model in estimates.models.items()) + "."


def table(estimates: Estimates) -> str:
    """Returns the estimates as text with aligned columns."""
    lines: List[Sequence[str]] = [("estimated cycles", "instructions", *CPUS, "left out")]
    for row in estimates.rows:
        values = (number(row.cycles.get(cpu)) for cpu in CPUS)
        lines.append((row.name, str(row.instructions), *values, ", ".join(row.left_out) or "nothing"))
    return columns(lines, 1)
