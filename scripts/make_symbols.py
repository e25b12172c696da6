#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the kernel's symbol table (kernel/lib/symbols.hpp) as assembly.

The image is linked twice: first with an empty table, then with the table made from the first link. Only the
table's section, .symbols, differs between the two, so it must lie behind all code. --check verifies this: no
function may have moved between the two links.

    make_symbols.py --empty -o empty.S
    make_symbols.py --nm first.nm --cxxfilt llvm-cxxfilt-19 -o symbols.S
    make_symbols.py --check first.nm second.nm

The .nm files contain the output of `nm` for the linked ELF. Offsets count from _text; code ends at _etext.
"""

import argparse
import subprocess
import sys
from typing import Dict, List, Sequence, Tuple

Symbol = Tuple[int, str, str]  # address, type, name

LICENSE = "// SPDX-License-Identifier: BSD-2-Clause"
MAX_NAME = 100  # characters; a longer name loses its middle
TEXT_START, TEXT_END = "_text", "_etext"


class Error(Exception):
    """An error whose text is a sentence for the user."""


def read_nm(path: str) -> List[Symbol]:
    """Returns the defined symbols of an nm listing as (address, type, name)."""
    symbols = []
    with open(path, encoding="utf-8") as listing:
        for line in listing:
            fields = line.split(maxsplit=2)
            if len(fields) == 3 and len(fields[1]) == 1:
                symbols.append((int(fields[0], 16), fields[1], fields[2].strip()))
    return symbols


def address_of(symbols: Sequence[Symbol], wanted: str, path: str) -> int:
    for address, _, name in symbols:
        if name == wanted:
            return address
    raise Error(f"{path} has no symbol {wanted}")


def functions(path: str) -> Tuple[List[Tuple[int, str]], int]:
    """Returns the functions of the text as a sorted list of (offset, mangled name), and the offset of its
    end."""
    symbols = read_nm(path)
    start = address_of(symbols, TEXT_START, path)
    end = address_of(symbols, TEXT_END, path)
    best: Dict[int, Tuple[bool, int, str]] = {}
    for address, kind, name in symbols:
        if kind not in "tTwW" or not start <= address < end or name.startswith(("$", ".L")):
            continue
        # Several names may have one address. A function's name wins over a boundary that the linker script
        # defines, then a global name over a local one, then the first one in alphabetical order.
        boundary = name.startswith("_") and not name.startswith(("_Z", "_start"))
        rank = (boundary, "TtWw".index(kind), name)
        if address not in best or rank < best[address]:
            best[address] = rank
    if not best:
        raise Error(f"{path} has no function between {TEXT_START} and {TEXT_END}")
    if end - start > 0xFFFF_FFFF:
        raise Error(f"the text of {path} is larger than 4 GiB")
    return [(address - start, best[address][-1]) for address in sorted(best)], end - start


def demangle(names: Sequence[str], cxxfilt: str) -> List[str]:
    result = subprocess.run(
        [cxxfilt], input="\n".join(names) + "\n", capture_output=True, text=True, check=False
    )
    demangled = result.stdout.splitlines()
    if result.returncode != 0 or len(demangled) != len(names):
        raise Error(f"{cxxfilt} did not demangle the names: {result.stderr.strip()}")
    return demangled


OPERATORS = [
    "operator()",
    "operator<=>",
    "operator->*",
    "operator->",
    "operator<<=",
    "operator>>=",
    "operator<<",
    "operator>>",
    "operator<=",
    "operator>=",
    "operator<",
    "operator>",
]


def shorten(name: str) -> str:
    """Shortens a demangled name for backtraces: drops parameters, template arguments, the result type, and
    `(anonymous namespace)`. Template arguments and lambdas leave a trace: `map<>`, `{lambda}`."""
    name = name.replace("(anonymous namespace)::", "")
    out = []
    at = 0
    while at < len(name):
        operator = next((o for o in OPERATORS if name.startswith(o, at)), None)
        if operator:
            out.append(operator)
            at += len(operator)
        elif name[at] in "(<{[":
            end = closing(name, at)
            if name[at] == "<":
                out.append("<>")
            elif name[at] == "{":
                out.append("{lambda}" if name.startswith("{lambda", at) else name[at:end])
            elif name[at] == "[" and name.startswith("[abi:", at):
                pass
            elif name[at] == "[":
                out.append(name[at:end])
            at = end
        elif name[at] == "'" and name.find("'", at + 1) != -1:  # LLVM's 'lambda'(int), GNU's {lambda(int)#1}
            end = name.find("'", at + 1) + 1
            out.append("{" + name[at + 1 : end - 1] + "}")
            at = end
        else:
            out.append(name[at])
            at += 1
    return limit(drop_result_type("".join(out).replace(" <>", "<>")))


def closing(name: str, at: int) -> int:
    """Returns the index after the bracket that closes the one at `at`. The < and > of operators are not
    brackets."""
    pairs = {"(": ")", "<": ">", "{": "}", "[": "]"}
    stack = []
    while at < len(name):
        operator = next((o for o in OPERATORS if name.startswith(o, at)), None)
        if operator:
            at += len(operator)
            continue
        if name.startswith("->", at):
            at += 2
            continue
        if name[at] in pairs:
            stack.append(pairs[name[at]])
        elif stack and name[at] == stack[-1]:
            stack.pop()
            if not stack:
                return at + 1
        at += 1
    return len(name)


QUALIFIERS = (" const", " volatile", " &&", " &", " noexcept")


def drop_result_type(name: str) -> str:
    """Drops the result type, with which demangled names of function templates begin."""
    suffix = ""
    if (bracket := name.find(" [")) != -1:  # " [clone .cold]"
        name, suffix = name[:bracket], name[bracket:]
    while name.endswith(QUALIFIERS):
        name = name[: -len(next(q for q in QUALIFIERS if name.endswith(q)))]
    name = name.replace(" const::", "::")
    operator = name.find("operator ")  # "operator new", "operator bool": the blank is part of the name
    blank = name.rfind(" ", 0, operator if operator != -1 else len(name))
    if not name.startswith(("vtable ", "guard ", "virtual thunk ", "non-virtual thunk ")):
        name = name[blank + 1 :]
    return name + suffix


def limit(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    half = (MAX_NAME - 3) // 2
    return name[:half] + "..." + name[-half:]


def assembly(starts: Sequence[int], names: Sequence[str]) -> str:
    """Returns the table as assembly text. `starts` has one element more than `names`."""
    text_offsets = {}
    strings = []
    size = 0
    for name in names:
        if name not in text_offsets:
            text_offsets[name] = size
            strings.append(name)
            size += len(name.encode()) + 1
    lines = [
        LICENSE,
        "// Made by scripts/make_symbols.py.",
        '        .section .symbols, "a", %progbits',
        "        .balign 4",
    ]

    def table(label: str, directive: str, values: Sequence[object]) -> None:
        lines.extend([f"        .global {label}", f"{label}:"])
        lines.extend(f"        {directive} {value}" for value in values)

    table("percival_symbol_count", ".4byte", [len(names)])
    table("percival_symbol_starts", ".4byte", starts)
    table("percival_symbol_names", ".4byte", [text_offsets[name] for name in names])
    quoted = ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in strings]
    table("percival_symbol_text", ".asciz", quoted)
    return "\n".join(lines) + "\n"


def make(options: argparse.Namespace) -> str:
    if options.empty:
        return assembly([0], [])
    found, end = functions(options.nm)
    demangled = demangle([name for _, name in found], options.cxxfilt)
    return assembly([offset for offset, _ in found] + [end], [shorten(name) for name in demangled])


def check(first_path: str, second_path: str) -> None:
    first, second = functions(first_path), functions(second_path)
    if first == second:
        return
    what = "the text's end"
    for (old, old_name), (new, new_name) in zip(first[0], second[0]):
        if (old, old_name) != (new, new_name):
            what = f"{old_name} at +{old:#x} became {new_name} at +{new:#x}"
            break
    raise Error(f"functions moved between the two links, the symbol table would be wrong: {what}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--nm", metavar="FILE", help="make the table of the image that this listing describes")
    mode.add_argument("--empty", action="store_true", help="make an empty table, for the first link")
    mode.add_argument("--check", nargs=2, metavar="FILE", help="compare the listings of both links")
    parser.add_argument("-o", "--output", metavar="FILE", help="the assembly to write")
    parser.add_argument("--cxxfilt", default="llvm-cxxfilt-19", metavar="PROGRAM")
    options = parser.parse_args()
    try:
        if options.check:
            check(*options.check)
            return 0
        if not options.output:
            parser.error("--output is needed")
        with open(options.output, "w", encoding="utf-8") as output:
            output.write(make(options))
        return 0
    except (Error, OSError) as error:
        print(f"make_symbols: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
