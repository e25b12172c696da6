# SPDX-License-Identifier: BSD-2-Clause
"""Writes the source that says which build an Image is: version, commit and preset. A commit with changes on
top ends with a plus. Nothing of time, host or directory goes in, so the same tree makes the same Image. The
file is written only if it changes.

usage: make_build_identity.py SOURCE-DIRECTORY VERSION PRESET OUTPUT
"""

import subprocess
import sys
from pathlib import Path


def commit(tree: Path) -> str:
    """Returns the commit of a work tree, or `unknown` outside one, as in an unpacked archive."""
    if not (tree / ".git").exists():
        return "unknown"

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tree), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # The build takes sources that nobody has added yet, too.
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def source(version: str, of_commit: str, preset: str) -> str:
    """Returns the C++ source of kernel/report/build_identity.hpp's constants."""
    return (
        '#include "kernel/report/build_identity.hpp"\n\n'
        "namespace percival {\n\n"
        f'const BuildIdentity kBuildIdentity{{"{version}", "{of_commit}", "{preset}"}};\n\n'
        "} // namespace percival\n"
    )


def main() -> None:
    """Runs the command."""
    tree, version, preset, output = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
    text = source(version, commit(tree), preset)
    if not output.exists() or output.read_text() != text:
        output.write_text(text)


if __name__ == "__main__":
    main()
