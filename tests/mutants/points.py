# SPDX-License-Identifier: BSD-2-Clause
"""Finds mutation points: places of a C++ source where one small change makes a mutant.

The source is parsed by libclang, so a point is a whole expression or statement, and its operands are known.
Points lie in bodies of functions only: everything there can be chosen at run time. Text that a macro expands
to has no points.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

DIST_PACKAGES = "/usr/lib/python3/dist-packages"  # where Debian has libclang's bindings, for its own Python
COMPARISONS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
}
ARITHMETIC = {
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "%": ("/",),
    "<<": (">>",),
    ">>": ("<<",),
    "&": ("|",),
    "|": ("&",),
    "^": ("&",),
    "+=": ("-=",),
    "-=": ("+=",),
    "|=": ("&=",),
    "&=": ("|=",),
    "<<=": (">>=",),
    ">>=": ("<<=",),
}
LOGICAL = {"&&": ("||",), "||": ("&&",)}
OPERATORS = {
    **{sign: ("comparison", others) for sign, others in COMPARISONS.items()},
    **{sign: ("arithmetic", others) for sign, others in ARITHMETIC.items()},
    **{sign: ("logical", others) for sign, others in LOGICAL.items()},
}
STRONG_ORDER = re.compile(r"(?:std::)?memory_order_(?:acquire|release|acq_rel|seq_cst)")
NUMBER = re.compile(r"(0[xX][0-9a-fA-F']+|[0-9][0-9']*)([uUlLzZ]*)")
WIDE_BARRIER = re.compile(r"\bInnerShareable\b")
EMPTY_VALUES = ("{}", "nullptr", "std::nullopt", "false", "true", "0")


@dataclass(frozen=True)
class Point:
    """A mutant: in `file`, `original`, the text from `start` to `end` (in bytes), becomes `mutated`. Its `id`
    depends on the text of its function, but on nothing outside of it. `statement` says that the text is one
    or two whole statements; otherwise it is an expression. `constant` says that its function is constexpr."""

    id: str
    file: str
    line: int
    operator: str
    start: int
    end: int
    original: str
    mutated: str
    statement: bool
    constant: bool

    @property
    def folder(self) -> str:
        """The folder of the file, in which both folders of arch/arm64 count as one."""
        return str(Path(self.file).parent).replace("arch/arm64/include/arch", "arch/arm64")

    def describe(self) -> str:
        """Returns one line for reports."""
        old, new = (" ".join(text.split()) for text in (self.original, self.mutated))
        return f"{self.file}:{self.line}: {self.operator}: {old} -> {new or '(nothing)'}"


@dataclass
class _Function:
    name: str
    text: bytes
    constant: bool
    counts: Dict[str, int] = field(default_factory=Counter)

    @property
    def hash(self) -> str:
        return hashlib.sha256(b" ".join(self.text.split())).hexdigest()[:8]


def _cindex() -> Any:
    try:
        return importlib.import_module("clang.cindex")
    except ImportError:
        sys.path.append(DIST_PACKAGES)
        return importlib.import_module("clang.cindex")


class _Finder:
    """Collects the points of one parsed file."""

    def __init__(self, file: str, text: bytes) -> None:
        self.file = file
        self.text = text
        self.points: List[Point] = []
        self.seen: Counter[str] = Counter()
        self.kind = _cindex().CursorKind
        self.functions = {
            self.kind.FUNCTION_DECL,
            self.kind.CXX_METHOD,
            self.kind.CONSTRUCTOR,
            self.kind.DESTRUCTOR,
            self.kind.CONVERSION_FUNCTION,
            self.kind.FUNCTION_TEMPLATE,
        }
        self.loops = {self.kind.WHILE_STMT, self.kind.FOR_STMT, self.kind.DO_STMT}

    def find(self, unit: Any, path: Path) -> List[Point]:
        for cursor in unit.cursor.get_children():
            if cursor.location.file is not None and Path(cursor.location.file.name) == path:
                self._declaration(cursor)
        return self.points

    # Cursors and text.

    def _range(self, cursor: Any) -> Tuple[int, int]:
        return cursor.extent.start.offset, cursor.extent.end.offset

    def _of(self, cursor: Any) -> str:
        start, end = self._range(cursor)
        return self._between(start, end)

    def _between(self, start: int, end: int) -> str:
        return self.text[start:end].decode(errors="replace")

    # Declarations.

    def _declaration(self, cursor: Any) -> None:
        if cursor.kind not in self.functions:
            for child in cursor.get_children():
                if child.kind.is_declaration():
                    self._declaration(child)
            return
        body = next((c for c in cursor.get_children() if c.kind == self.kind.COMPOUND_STMT), None)
        if body is None:
            return
        start, end = self._range(cursor)
        head = self._between(start, self._range(body)[0])
        if "consteval" in head:
            return
        constant = re.search(r"\bconstexpr\b", head) is not None
        function = _Function(self._qualified(cursor), self.text[start:end], constant)
        for child in cursor.get_children():
            if child == body or not (child.kind.is_declaration() or child.kind.is_reference()):
                self._walk(child, function, None)

    def _qualified(self, cursor: Any) -> str:
        names: List[str] = []
        while cursor is not None and cursor.kind != self.kind.TRANSLATION_UNIT:
            if cursor.spelling and cursor.kind != self.kind.NAMESPACE:
                names.insert(0, cursor.spelling.split("<")[0])
            cursor = cursor.semantic_parent
        return "::".join(names)

    # Statements and expressions.

    def _walk(self, cursor: Any, function: _Function, parent: Any) -> None:
        kind, children = cursor.kind, list(cursor.get_children())
        if kind == self.kind.STATIC_ASSERT or self._is_constant(cursor):
            return
        if kind in (self.kind.ASM_STMT, self.kind.MS_ASM_STMT):
            return  # an operand may have to be a constant
        if kind == self.kind.COMPOUND_STMT:
            self._statements(children, function, parent)
        elif kind == self.kind.IF_STMT:
            self._if(children, function)
        elif kind in self.loops:
            for child in children:
                if child.kind != self.kind.COMPOUND_STMT and self._is_effect(child) and child == children[-1]:
                    self._leave_out(child, function)
        elif kind == self.kind.RETURN_STMT and children:
            self._return(cursor, children[0], function)
        elif kind in (self.kind.BINARY_OPERATOR, self.kind.COMPOUND_ASSIGNMENT_OPERATOR):
            self._operator(cursor, children, function)
        elif kind == self.kind.CALL_EXPR and cursor.spelling.startswith("operator") and len(children) == 3:
            self._operator(cursor, [children[0], children[2]], function)
        elif kind == self.kind.UNARY_OPERATOR:
            self._unary(cursor, children, function)
        elif kind == self.kind.INTEGER_LITERAL:
            self._literal(cursor, function)
        elif kind == self.kind.CXX_BOOL_LITERAL_EXPR:
            text = self._of(cursor)
            if text in ("true", "false"):
                self._add(cursor, "constant", "false" if text == "true" else "true", function)
        elif kind == self.kind.DECL_REF_EXPR and STRONG_ORDER.fullmatch(self._of(cursor)):
            self._add(cursor, "memory order", "std::memory_order_relaxed", function)
        if kind == self.kind.CASE_STMT:
            children = children[1:]
        elif kind == self.kind.DECL_REF_EXPR:
            children = []  # arguments of templates, evaluated by the compiler
        elif kind == self.kind.MEMBER_REF_EXPR:
            children = (
                children[:1] if children and self._range(children[0])[0] == self._range(cursor)[0] else []
            )
        for child in children:
            self._walk(child, function, cursor)

    def _is_constant(self, cursor: Any) -> bool:
        """Whether all below it is evaluated by the compiler."""
        if cursor.kind == self.kind.DECL_STMT:
            return re.match(r"(static\s+)?(constexpr|constinit)\b", self._of(cursor)) is not None
        return False

    def _is_effect(self, cursor: Any) -> bool:
        """Whether a statement is an expression, evaluated for its effect, or a jump."""
        if cursor.kind.is_expression():
            return True
        return cursor.kind in (
            self.kind.BREAK_STMT,
            self.kind.CONTINUE_STMT,
            self.kind.ASM_STMT,
        )

    def _statements(self, children: Sequence[Any], function: _Function, parent: Any) -> None:
        nested = parent is not None and parent.kind == self.kind.IF_STMT
        for child in children:
            if self._is_effect(child) or (nested and child.kind == self.kind.RETURN_STMT):
                self._leave_out(child, function)
        for first, second in zip(children, children[1:]):
            ranges = [self._statement(c) for c in (first, second) if c.kind.is_expression()]
            if len(ranges) == 2 and ranges[0] and ranges[1] and self._is_simple(first, second):
                (start, middle), (later, end) = ranges[0], ranges[1]
                swapped = f"{self._between(later, end)} {self._between(start, middle)}"
                self._add_text(start, end, "order", swapped, function, statement=True)

    def _is_simple(self, *statements: Any) -> bool:
        return not any(
            self._of(statement).startswith(("PERCIVAL_", "static_cast<void>", "__builtin_unreachable"))
            for statement in statements
        )

    def _statement(self, cursor: Any) -> Optional[Tuple[int, int]]:
        """Returns the range of a statement with its semicolon."""
        start, end = self._range(cursor)
        match = re.compile(rb"\s*;").match(self.text, end)
        if self.text[end - 1 : end] == b";":
            return start, end
        return (start, match.end()) if match else None

    def _leave_out(self, cursor: Any, function: _Function) -> None:
        whole = self._statement(cursor)
        if whole is None or not self._is_simple(cursor):
            return
        text = self._between(*whole)
        if self.text[whole[0] : whole[0] + 1].isalnum() or text[0] in "_+-*(:&":
            self._add_text(*whole, "left out", "", function, statement=True)
            if WIDE_BARRIER.search(text):
                weaker = WIDE_BARRIER.sub("NonShareable", text)
                self._add_text(*whole, "weaker barrier", weaker, function, statement=True)

    def _if(self, children: Sequence[Any], function: _Function) -> None:
        condition = next((c for c in children if c.kind.is_expression()), None)
        before = self._range(children[0])[0]
        if condition is None or b"constexpr" in self.text[before - 12 : before]:
            return
        for child in children[1:]:
            if self._is_effect(child) or child.kind == self.kind.RETURN_STMT:
                if child != condition:
                    self._leave_out(child, function)
        # The value of a variable that is declared here is no text of its own.
        is_declared = any(child.kind == self.kind.VAR_DECL for child in children)
        if not is_declared and self._of(condition) not in ("true", "false"):
            self._add(condition, "condition", "true", function)
            self._add(condition, "condition", "false", function)

    def _return(self, cursor: Any, value: Any, function: _Function) -> None:
        whole = self._statement(cursor)
        text = self._of(value)
        if whole is None or text in EMPTY_VALUES or NUMBER.fullmatch(text):
            return
        canonical = value.type.get_canonical().spelling
        mutated = "{}"
        if canonical == "bool":
            mutated = f"!({text})"
        elif re.fullmatch(r"(unsigned )?(char|short|int|long)", canonical):
            mutated = f"({text}) + 1"
        self._add_text(*whole, "returned", f"return {mutated};", function, statement=True)

    def _operator(self, cursor: Any, operands: Sequence[Any], function: _Function) -> None:
        if len(operands) != 2:
            return
        (start, middle), (after, end) = map(self._range, operands)
        sign = self._between(middle, after).strip()
        if sign not in OPERATORS or self._range(cursor) != (start, end):
            return
        operator, others = OPERATORS[sign]
        for other in others:
            left, right = self._between(start, middle), self._between(after, end)
            self._add(cursor, operator, f"{left} {other} {right}", function)

    def _unary(self, cursor: Any, children: Sequence[Any], function: _Function) -> None:
        text = self._of(cursor)
        if re.match(r"![^=]", text) and children:  # a rewritten operator!= is a `!`, too
            self._add(cursor, "logical", f"static_cast<bool>({self._of(children[0])})", function)
        elif text.startswith(("++", "--")):
            other = "--" if text.startswith("++") else "++"
            self._add(cursor, "arithmetic", other + text[2:], function)

    def _literal(self, cursor: Any, function: _Function) -> None:
        match = NUMBER.fullmatch(self._of(cursor))
        if match is None:
            return
        digits, suffix = match[1].replace("'", ""), match[2]
        octal = digits.startswith("0") and digits.isdigit() and len(digits) > 1
        value = int(digits, 8 if octal else 0)
        for other in (value + 1, value - 1):
            if other >= 0:
                self._add(cursor, "constant", f"{other}{suffix}", function)

    def _add(self, cursor: Any, operator: str, mutated: str, function: _Function) -> None:
        self._add_text(*self._range(cursor), operator, mutated, function, statement=False)

    def _add_text(
        self, start: int, end: int, operator: str, mutated: str, function: _Function, *, statement: bool
    ) -> None:
        original = self._between(start, end)
        if original.startswith("PERCIVAL_") or any(
            (p.start, p.end, p.mutated) == (start, end, mutated) for p in self.points
        ):
            return
        context = f"{self.file}|{function.name}|{function.hash}|{operator}"
        ordinal = self.seen[context]
        self.seen[context] += 1
        line = self.text.count(b"\n", 0, start) + 1
        self.points.append(
            Point(
                f"{context}|{ordinal}",
                self.file,
                line,
                operator,
                start,
                end,
                original,
                mutated,
                statement,
                function.constant,
            )
        )


def find(root: Path, file: str, options: Sequence[str]) -> List[Point]:
    """Returns the points of a file of the tree, parsed with a compiler's options. Raises ValueError if
    libclang cannot parse it."""
    cindex = _cindex()
    path = root / file
    unit = cindex.Index.create().parse(str(path), args=["-x", "c++", *options])
    errors = [d for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
    if errors:
        raise ValueError(f"{file}: {errors[0]}")
    return _Finder(file, path.read_bytes()).find(unit, path)


def files(root: Path) -> Iterator[str]:
    """The files that may have points."""
    for top in ("arch", "mm", "kernel"):
        for path in sorted((root / top).rglob("*.[ch]pp")):
            name = str(path.relative_to(root))
            if not name.endswith("asm_offsets.cpp"):
                yield name
