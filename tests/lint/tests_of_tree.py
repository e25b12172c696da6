# SPDX-License-Identifier: BSD-2-Clause
"""The names of the tests that there are, as the sources declare them, wherever in the tree these lie."""

from __future__ import annotations

import collections
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Set, Tuple

SELF_TEST = re.compile(r"^PERCIVAL_TEST(\w*)\(\s*(\w+),\s*(\w+)\)([^}]*?\n\{.*?^\})?", re.M | re.S)
SKIP = re.compile(r"\bSKIP(_\w+)?\(")
BENCHMARK = re.compile(r"^\s*PERCIVAL_\w*BENCHMARK\(\s*([\w#]+),", re.M)
PASTED = re.compile(r"##\w+")
HOST_TEST = re.compile(r"^(TEST|TEST_F|TEST_P|TYPED_TEST)\(\s*(\w+),\s*(\w+)\)", re.M)
INSTANTIATION = re.compile(r"^INSTANTIATE_TEST_SUITE_P\(\s*(\w+),\s*(\w+)(.*?)(?:\n\n|\Z)", re.M | re.S)
LITERAL = re.compile(r'"(\w+)"')
INDEX = re.compile(r"/\d+")


class SelfTest(NamedTuple):
    """A test that runs in the kernel; one that is `manual` on demand only."""

    suite: str
    name: str
    manual: bool
    may_skip: bool = False  # it names a reason in its body

    @property
    def full_name(self) -> str:
        """What globs are for."""
        return f"{self.suite}.{self.name}"

    def is_selected_by(self, glob: str) -> bool:
        """The kernel's own rule (kernel/selftest_selection.cpp)."""
        return glob == self.full_name if self.manual else fnmatchcase(self.full_name, glob)


def files(root: Path, suffix: str) -> List[Path]:
    """The tree's files with that suffix, without what was built and what is hidden."""
    tops = [top for top in root.iterdir() if top.name != "build" and not top.name.startswith(".")]
    return sorted(
        path
        for top in tops
        for path in ([top] if top.is_file() else top.rglob(f"*{suffix}"))
        if path.suffix == suffix
    )


def self_tests(root: Path) -> List[SelfTest]:
    """All self-tests: they may stand in any source of the kernel."""
    return [
        SelfTest(suite, name, variant == "_MANUAL", SKIP.search(body) is not None)
        for path in files(root, ".cpp")
        for variant, suite, name, body in SELF_TEST.findall(path.read_text())
    ]


def benchmarks(root: Path) -> List[str]:
    """All benchmarks, as globs: what a macro pastes to a name may be anything."""
    names = [name for path in files(root, ".cpp") for name in BENCHMARK.findall(path.read_text())]
    return [PASTED.sub("*", name) for name in names]


def host_tests(sources: Iterable[Path]) -> Set[str]:
    """The tests in these sources by GoogleTest's names. Of indices there is only 0."""
    text = "\n\n".join(source.read_text() for source in sources)
    instances = _instances(text)
    return {
        name
        for macro, suite, test in HOST_TEST.findall(text)
        for name in _names(macro, suite, test, instances[suite])
    }


def _names(macro: str, suite: str, test: str, instances: Iterable[Tuple[str, str]]) -> List[str]:
    if macro == "TYPED_TEST":
        return [f"{suite}/0.{test}"]
    if macro == "TEST_P":
        return [f"{prefix}/{suite}.{test}/{value}" for prefix, value in instances]
    return [f"{suite}.{test}"]


def _instances(text: str) -> Dict[str, List[Tuple[str, str]]]:
    """For each suite, the prefix and the name of every parameter. Any word in quotes may be such a name."""
    found: Dict[str, List[Tuple[str, str]]] = collections.defaultdict(list)
    for prefix, suite, values in INSTANTIATION.findall(text):
        found[suite] += [(prefix, value) for value in ("0", *LITERAL.findall(values))]
    return found


def is_host_test(glob: str, names: Iterable[str]) -> bool:
    """Whether a glob of a GoogleTest filter matches one of the names. Any index will do: how many there are,
    the sources do not say."""
    return any(fnmatchcase(name, INDEX.sub("/0", glob)) for name in names)
