# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy looks at a source again after each change that could change what it finds."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Dict

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
        return run.Inputs(["checks"]).stamp_of(self.source)

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
        self.assertNotEqual(run.Inputs(["other checks"]).stamp_of(self.source), before)
        other = run.Source(self.source.path, self.source.directory, (*self.source.command, "-DX"))
        self.assertNotEqual(run.Inputs(["checks"]).stamp_of(other), before)

    def test_each_source_of_the_directories_is_taken_once(self) -> None:
        """No other sources and no assembly. The kernel's commands lose what is precompiled."""
        command = "clang++ -Xclang -include-pch -Xclang x.pch -Xclang -include -Xclang x.hxx -c a.cpp"
        files = ("mm/a.cpp", "mm/a.cpp", "mm/a.S", "mm/asm_offsets.cpp", "boot/b.cpp")
        entries = [{"file": str(self.root / f), "directory": "/", "command": command} for f in files]
        for preset in ("no-local-percpu", "host"):
            self.write({f"build/{preset}/compile_commands.json": json.dumps(entries)})
        (kernel,) = run.sources_of(self.root, "no-local-percpu", ["mm"])
        self.assertEqual(kernel.path, self.root / "mm/a.cpp")
        self.assertEqual(kernel.command, ("clang++", "-c", "a.cpp"))
        (host,) = run.sources_of(self.root, "host", ["mm"])
        self.assertIn("-include-pch", host.command)


if __name__ == "__main__":
    unittest.main()
