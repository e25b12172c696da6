# SPDX-License-Identifier: BSD-2-Clause
"""Reads the instructions of a linked kernel, and checks in which order they stand on every path.

A test states an order as a Rule, and Image.broken() finds the paths that break it. The paths cover the whole
image: a return goes on after each call of the function. Every path counts, so a rule may ask for more than
what can run, but never for less.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

LINE = re.compile(
    r"^([0-9a-f]{16})(?: <(.*)>:$|:(?: [0-9a-f]{8})?\s+(\S+)[^\S\n]*(([^<\n]*).*))", re.MULTILINE
)
UNKNOWN_TARGET = ("br", "blr", "eret")
TRAPS = ("brk", "udf")  # nothing goes on after them
NO_CODE = (".", "<")  # data
OPTIONS = ("-dC", "--no-show-raw-insn")


class Instruction(NamedTuple):
    """One line of a disassembly. `text` is all that follows the name."""

    address: int
    name: str
    operands: str
    text: str

    @property
    def target(self) -> int:
        """The address to which a branch goes."""
        return int(self.operands.split()[-1], 16)

    @property
    def code(self) -> str:
        """The instruction as rules see it: in lower case, without comments. A call names the function, as
        objdump does: `bl <percival::arch::drop_idmap()>`."""
        if self.name == "bl":
            return "bl " + self.text[self.text.index("<") :]
        return f"{self.name} {self.operands.split('//')[0].strip().lower()}".strip()


def tool(name: str, *arguments: str) -> str:
    return subprocess.run([name, *arguments], capture_output=True, text=True, check=True).stdout


def instructions(disassembly: str) -> List[Instruction]:
    """Returns the instructions of the output of llvm-objdump."""
    return [
        Instruction(int(at, 16), name, operands.strip(), text)
        for at, _, name, text, operands in LINE.findall(disassembly)
        if name
    ]


def code_of(kernel: Path, symbol: str) -> List[Instruction]:
    """Returns the instructions of the function with that demangled name. A name with a comma in it, at which
    objdump would split it, has to be given mangled; so are then the names in the text."""
    names = "-d" if symbol.startswith("_Z") else "-dC"
    return instructions(
        tool("llvm-objdump-19", names, "--no-show-raw-insn", f"--disassemble-symbols={symbol}", str(kernel))
    )


def reachable(code: List[Instruction], start: int) -> List[Instruction]:
    """Returns the instructions of a function that can be executed from the one at index `start` on."""
    index = {line.address: at for at, line in enumerate(code)}
    found: Dict[int, Instruction] = {}
    waiting = [start]
    while waiting:
        at = waiting.pop()
        if at in found or at >= len(code):
            continue
        line = found[at] = code[at]
        if line.name == "b" or line.name.startswith(("b.", "cb", "tb")):
            waiting += [index[line.target]] if line.target in index else []
        if line.name not in ("b", "ret", "br"):
            waiting.append(at + 1)
    return list(found.values())


def symbols(kernel: Path) -> Dict[str, int]:
    """Returns the address of each symbol of a linked kernel. Of local ones with one name the last counts."""
    fields = (line.split() for line in tool("llvm-nm-19", str(kernel)).splitlines())
    return {name: int(address, 16) for address, _, name in fields}


def _data_in_text(kernel: Path) -> range:
    """Returns the addresses of the strings that stand between functions (linker/kernel.lds.S): any bytes,
    some of which look like branches."""
    at = symbols(kernel)
    return range(at["_early_rodata"], at["_eearly_rodata"])


@dataclass(frozen=True)
class Rule:
    """On each path from an instruction that matches `at`, the patterns of `then` match in this order.

    Until the last of them matched, the path has no instruction that matches `never`. With `backward`, the
    path runs against the flow of control, and `then` names what stands before. A path that leaves the image,
    or that ends, breaks the rule. Patterns match Instruction.code from its start. The demangled name of the
    function that has `at` contains `in_function`, and does not contain `outside`.
    """

    at: str
    then: Tuple[str, ...]
    never: str = r"$^"
    backward: bool = False
    in_function: str = ""
    outside: str = "\n"


class Image:
    """The instructions of one linked kernel, and where each can lead."""

    def __init__(self, kernel: Path):
        self.code: List[Instruction] = []
        self.function_of: List[str] = []  # for each instruction
        self._entry_of: List[int] = []
        self._callers: Dict[int, List[int]] = {}  # entry address -> indices of BL
        self._jumps: Dict[int, List[int]] = {}  # address -> indices of branches without link
        function, entry = "", 0
        no_code = _data_in_text(kernel)
        for at, label, name, text, operands in LINE.findall(tool("llvm-objdump-19", *OPTIONS, str(kernel))):
            if int(at, 16) in no_code:
                continue
            if label:
                function, entry = label, int(at, 16)
                continue
            self.code.append(Instruction(int(at, 16), name, operands.strip(), text))
            self.function_of.append(function)
            self._entry_of.append(entry)
        self._text = [line.code for line in self.code]
        self._index = {line.address: number for number, line in enumerate(self.code)}
        for number, line in enumerate(self.code):
            if line.name == "bl":
                self._callers.setdefault(line.target, []).append(number)
            elif _branches(line):
                self._jumps.setdefault(line.target, []).append(number)
        # Only a function that does not return is called by the last instruction of another.
        self._no_return = {
            line.target
            for line, entry, following in zip(self.code, self._entry_of, self._entry_of[1:])
            if line.name == "bl" and entry != following
        }

    def matching(self, pattern: str, in_function: str = "", outside: str = "\n") -> List[int]:
        """Returns the indices of the instructions that match, in functions whose names match as in a Rule."""
        found = re.compile(pattern)
        return [
            number
            for number, text in enumerate(self._text)
            if found.match(text)
            and in_function in self.function_of[number]
            and outside not in self.function_of[number]
        ]

    def broken(self, rule: Rule, without: str = r"$^") -> List[str]:
        """Returns a message for each path that breaks the rule. Raises an error if no instruction matches.
        Instructions that match `without` count as left out."""
        starts = self.matching(rule.at, rule.in_function, rule.outside)
        if not starts:
            raise AssertionError(f"no instruction matches {rule.at} in {rule.in_function or 'the image'}")
        return [message for start in starts for message in self._broken_from(start, rule, without)]

    def reaches(self, start: int, wanted: str, never: str) -> bool:
        """Returns whether some path from an instruction leads to `wanted` and not through `never`."""
        goal, stop = re.compile(wanted), re.compile(never)
        seen: Set[int] = set()
        todo = [start]
        while todo:
            for number in self._next(todo.pop()) or ():
                if number not in seen and not stop.match(self._text[number]):
                    seen.add(number)
                    todo.append(number)
                    if goal.match(self._text[number]):
                        return True
        return False

    def _broken_from(self, start: int, rule: Rule, without: str) -> Iterator[str]:
        then, never = [re.compile(pattern) for pattern in rule.then], re.compile(rule.never)
        left_out = re.compile(without)
        step: Callable[[int], Optional[List[int]]] = self._before if rule.backward else self._next
        seen: Set[Tuple[int, int]] = set()
        todo = [(start, 0)]
        while todo:
            number, met = todo.pop()
            neighbours = step(number)
            if neighbours is None:
                yield f"{self.place(start)}: a path ends at {self.place(number)} without {rule.then[met]}"
                continue
            for neighbour in neighbours:
                now = met
                text = self._text[neighbour]
                if left_out.match(text):
                    text = "nop"
                if then[met].match(text):
                    now = met + 1
                elif self._ends_in_report(self.code[neighbour]):
                    continue
                elif never.match(text):
                    yield f"{self.place(start)}: {self.place(neighbour)} comes before {rule.then[met]}"
                    continue
                if now < len(then) and (neighbour, now) not in seen:
                    seen.add((neighbour, now))
                    todo.append((neighbour, now))

    def place(self, number: int) -> str:
        """Returns an instruction and where it is, for a message."""
        offset = self.code[number].address - self._entry_of[number]
        return f"`{self._text[number]}` at {self.function_of[number]}+{offset:#x}"

    def _next(self, number: int) -> Optional[List[int]]:
        """Returns what may execute next, or None if that is unknown or nothing."""
        line = self.code[number]
        if line.name in UNKNOWN_TARGET or line.name.startswith(NO_CODE):
            return None
        if line.name == "ret":
            return self._after_calls(self._entry_of[number], set())
        if line.name in TRAPS or self._ends_in_report(line):
            return []
        following = [number + 1] if line.name != "b" else []
        if _branches(line):
            if line.target not in self._index:
                return None
            following.append(self._index[line.target])
        return following

    def _ends_in_report(self, line: Instruction) -> bool:
        """Returns whether the instruction calls a function that does not return."""
        return line.name == "bl" and line.target in self._no_return

    def _after_calls(self, entry: int, seen: Set[int]) -> Optional[List[int]]:
        """Returns where the function at `entry` may return to: after its calls, and after those of the
        functions that jump to it or run into it."""
        if entry in seen:
            return []
        seen.add(entry)
        found = [caller + 1 for caller in self._callers.get(entry, [])]
        for jump in self._entering(entry):
            found += self._after_calls(self._entry_of[jump], seen) or []
        return found or None

    def _entering(self, entry: int) -> List[int]:
        """Returns the instructions of other functions that go on at `entry` without a call."""
        jumps = [jump for jump in self._jumps.get(entry, []) if self._entry_of[jump] != entry]
        before = self._index[entry] - 1
        if before >= 0 and self._runs_on(before):
            jumps.append(before)
        return jumps

    def _runs_on(self, number: int) -> bool:
        line = self.code[number]
        ends = line.name in ("b", "ret", *TRAPS, *UNKNOWN_TARGET) and line.name != "blr"
        return not ends and not self._ends_in_report(line) and not line.name.startswith(NO_CODE)

    def _before(self, number: int) -> Optional[List[int]]:
        """Returns what may have executed before, or None if that is unknown or nothing. A call before is
        that call, and not what it calls."""
        address = self.code[number].address
        found = list(self._jumps.get(address, []))
        if number > 0 and self.code[number - 1].address == address - 4 and self._runs_on(number - 1):
            found.append(number - 1)
        return found + self._callers.get(address, []) or None


def _branches(line: Instruction) -> bool:
    """Returns whether the instruction is a branch without link to an address that it names."""
    return line.name == "b" or line.name.startswith(("b.", "cbz", "cbnz", "tbz", "tbnz"))
