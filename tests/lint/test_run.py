# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy looks at a source again after each change that could change what it finds."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Dict
from unittest import mock

import run


class RunTest(unittest.TestCase):
    """A tree of a few files."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.write(
            {
                "mm/a.cpp": '#include "mm/a.hpp"\n#include <array>\n',
                "mm/a.hpp": "  #  include <mm/b.hpp>\n",
                "mm/b.hpp": '#include "mm/a.hpp"\n',
                "mm/c.hpp": "",
            }
        )
        self.source = run.Source(self.root / "mm/a.cpp", str(self.root), ("clang++", f"-I{self.root}"))

    def write(self, files: Dict[str, str]) -> None:
        """Writes files below the root."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")

    def stamp(self) -> str:
        """The stamp of a.cpp as the files are now."""
        return run.Inputs(["checks"]).stamp_of([self.source])

    def test_a_source_depends_on_all_that_it_includes(self) -> None:
        """Through other headers, and in a circle, too."""
        found = run.Inputs([]).files_of(self.source)
        self.assertEqual([path.name for path in found], ["a.cpp", "a.hpp", "b.hpp"])

    def test_the_stamp_changes_with_a_header_far_down(self) -> None:
        """Two includes away."""
        before = self.stamp()
        self.write({"mm/b.hpp": "int b;\n"})
        self.assertNotEqual(self.stamp(), before)

    def test_the_stamp_does_not_change_with_other_files(self) -> None:
        """c.hpp is included by nobody."""
        before = self.stamp()
        self.write({"mm/c.hpp": "int c;\n"})
        self.assertEqual(self.stamp(), before)

    def test_the_stamp_changes_with_the_options_and_with_the_checks(self) -> None:
        """Each of them alone."""
        before = self.stamp()
        self.assertNotEqual(run.Inputs(["other checks"]).stamp_of([self.source]), before)
        other = run.Source(self.source.path, self.source.directory, (*self.source.options, "-DX"))
        self.assertNotEqual(run.Inputs(["checks"]).stamp_of([other]), before)

    def test_each_source_of_the_directories_is_taken_once(self) -> None:
        """No other sources and no assembly. The kernel's commands lose what is precompiled."""
        precompiled = "-Xclang -include-pch -Xclang x.pch -Xclang -include -Xclang x.hxx"
        command = f"clang++ -Wall {precompiled} -Werror -o a.o -c a.cpp"
        files = ("mm/a.cpp", "mm/a.cpp", "mm/a.S", "mm/asm_offsets.cpp", "boot/b.cpp")
        entries = [{"file": str(self.root / f), "directory": "/", "command": command} for f in files]
        for preset in ("no-local-percpu", "host"):
            self.write({f"build/{preset}/compile_commands.json": json.dumps(entries)})
        (kernel,) = run.sources_of(self.root, "no-local-percpu", ["mm"])
        self.assertEqual(kernel.path, self.root / "mm/a.cpp")
        self.assertEqual(kernel.options, ("clang++", "-Wall", "-Werror"))
        (host,) = run.sources_of(self.root, "host", ["mm"])
        self.assertEqual(host.options, ("clang++", "-Wall", *precompiled.split(), "-Werror"))

    def test_a_batch_is_of_one_folder_and_of_the_same_options(self) -> None:
        """And of a bounded number of sources."""

        def source(name: str, *options: str) -> run.Source:
            return run.Source(self.root / name, str(self.root), options)

        many = [source(f"mm/{number}.cpp") for number in range(run.MAX_BATCH + 1)]
        others = [source("boot/a.cpp"), source("mm/x.cpp", "-O0")]
        batches = [list(batch) for batch in run.batches_of([*many, *others])]
        self.assertEqual(batches, [many[:-1], many[-1:], others[:1], others[1:]])

    def test_a_finding_in_a_batch_is_looked_for_in_each_half(self) -> None:
        """Down to the source that has it, and only what passed is not looked at again."""
        batch = [run.Source(self.root / "mm/a.cpp", "", (str(number),)) for number in range(4)]
        looked_at = []

        def findings(part: run.Batch) -> str:
            looked_at.append([source.options[0] for source in part])
            return "wrong" if batch[2] in part else ""

        with mock.patch.object(run, "findings", findings), mock.patch.object(run, "PASSED", self.root):
            self.assertEqual(run.look_at(batch, run.Inputs([])), ["wrong"])
            self.assertEqual(looked_at, [["0", "1", "2", "3"], ["0", "1"], ["2", "3"], ["2"], ["3"]])
            looked_at.clear()
            self.assertEqual(run.look_at(batch[:2], run.Inputs([])), [])
            self.assertEqual(looked_at, [])

    def test_clang_tidy_finds_in_a_batch_what_it_finds_in_each_source(self) -> None:
        """Also with checks that are on in one folder only."""
        self.write(
            {
                ".clang-tidy": "Checks: '-*,readability-delete-null-pointer'\nWarningsAsErrors: '*'\n",
                "tests/.clang-tidy": "InheritParentConfig: true\nChecks: 'cert-err33-c'\n",
                "tests/a.cpp": "void a(int* p)\n{\n    if (p)\n        delete p;\n}\n",
                "tests/b.cpp": '#include <cstdio>\nvoid b()\n{\n    std::fputs("b", stderr);\n}\n',
                "tests/c.cpp": "void a(int*) {}\n",
            }
        )
        a, b, c = (run.Source(self.root / f"tests/{n}.cpp", str(self.root), ("clang++-19",)) for n in "abc")
        state = self.root / "build"
        state.mkdir()
        with mock.patch.object(run, "ROOT", self.root), mock.patch.object(run, "STATE", state):
            for found in (run.findings([a, b]), run.findings([a]) + run.findings([b])):
                self.assertIn("[readability-delete-null-pointer,", found)
                self.assertIn("[cert-err33-c,", found)
            self.assertEqual(run.findings([c]), "")
            self.assertIn("redefinition of 'a'", run.findings([a, c]))

    def test_the_configuration_is_the_nearest_one(self) -> None:
        """Upwards from the source, as clang-tidy looks for it."""
        self.write({".clang-tidy": "", "mm/deep/b.cpp": "", "tests/.clang-tidy": "", "tests/host/c.cpp": ""})
        nearest = {
            name: run.nearest_configuration(self.root, self.root / name).relative_to(self.root).as_posix()
            for name in ("mm/deep/b.cpp", "tests/host/c.cpp")
        }
        self.assertEqual(nearest, {"mm/deep/b.cpp": ".clang-tidy", "tests/host/c.cpp": "tests/.clang-tidy"})


if __name__ == "__main__":
    unittest.main()
