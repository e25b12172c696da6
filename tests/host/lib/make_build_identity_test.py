#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests scripts/make_build_identity.py: what names a build, and that nothing else does."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
sys.path.insert(0, str(SCRIPTS))
import make_build_identity  # noqa: E402  pylint: disable=wrong-import-position

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


class Identity(unittest.TestCase):
    def setUp(self) -> None:
        self.room = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(self.room.cleanup)
        self.tree = Path(self.room.name)

    def commit_file(self) -> None:
        (self.tree / "file").write_text("one\n")
        for command in (("init", "-q"), ("add", "file"), ("commit", "-q", "-m", "title")):
            subprocess.run([*GIT, *command], cwd=self.tree, check=True, capture_output=True)

    def test_a_commit_is_named_by_12_digits(self) -> None:
        self.commit_file()
        self.assertRegex(make_build_identity.commit(self.tree), "^[0-9a-f]{12}$")

    def test_changes_on_top_of_a_commit_show(self) -> None:
        self.commit_file()
        (self.tree / "file").write_text("two\n")
        self.assertRegex(make_build_identity.commit(self.tree), r"^[0-9a-f]{12}\+$")

    def test_a_source_that_nobody_has_added_shows(self) -> None:
        self.commit_file()
        (self.tree / "another").write_text("one\n")
        self.assertRegex(make_build_identity.commit(self.tree), r"^[0-9a-f]{12}\+$")

    def test_outside_a_repository_the_commit_is_unknown(self) -> None:
        self.assertEqual(make_build_identity.commit(self.tree), "unknown")

    def test_the_source_is_written_only_if_it_changes(self) -> None:
        out = self.tree / "identity.cpp"

        def make(version: str) -> str:
            script = SCRIPTS / "make_build_identity.py"
            subprocess.run([sys.executable, script, self.tree, version, "4k-48", out], check=True)
            return out.read_text()

        self.assertIn('{"1.2", "unknown", "4k-48"}', make("1.2"))
        os.utime(out, (1, 1))
        make("1.2")
        self.assertEqual(out.stat().st_mtime, 1)
        self.assertIn('{"1.3", "unknown", "4k-48"}', make("1.3"))


if __name__ == "__main__":
    unittest.main()
