# SPDX-License-Identifier: BSD-2-Clause
"""Runs one row of the boot matrix through `percival boot --no-build`, and checks the exit code and the
console. Exit codes: 0 passed, 1 failed, 77 skipped.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, List, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from board_trees import BOARD_TREES  # noqa: E402  (the path has to be set first)
from checks import wrong  # noqa: E402
from frontdoor import image_boards, qemu_probe  # noqa: E402
from frontdoor.boot import Run  # noqa: E402
from frontdoor.foreign_packages import ForeignPackage  # noqa: E402
from frontdoor.machine import Machine  # noqa: E402
from frontdoor.paths import image  # noqa: E402
from frontdoor.qemu import VIRTIO_MEM  # noqa: E402
from frontdoor.testing import skip_all  # noqa: E402
from matrix import BY_NAME  # noqa: E402
from qmp import Qmp, Resizer  # noqa: E402
from row import Row  # noqa: E402
from rows_percpu import ONE_BY_ONE  # noqa: E402
from trees import Setup, prepare  # noqa: E402
from trouble import excerpt  # noqa: E402


def packages_of(row: Row) -> Tuple[ForeignPackage, ...]:
    """Returns the packages that the row needs parts of."""
    machine = Machine(row.cpus, row.cpu, row.memory, row.machine)
    if row.tree and row.tree not in BOARD_TREES:
        return ()
    card = Path(row.card) if row.card else None
    of_card = image_boards.packages_of(card.stem) if card else ()
    return (*Run(machine, loader=row.loader or None, card=card).packages, *of_card)


def reason_to_skip(row: Row) -> str:
    """Returns why the installed QEMU cannot run the row, or an empty string if it can."""
    board = row.board.split(",", 1)[0]
    if board and board not in qemu_probe.machines():
        return f"QEMU {qemu_probe.installed_version()} has no machine {board}"
    if row.cpu not in qemu_probe.cpu_models():
        return f"QEMU {qemu_probe.installed_version()} has no CPU {row.cpu}"
    if ONE_BY_ONE[1] in row.qemu and (qemu_probe.installed_version() or (0, 0)) < (8, 1):
        return f"QEMU {qemu_probe.installed_version()} cannot run instructions one by one"
    if row.virtio_mem and VIRTIO_MEM not in qemu_probe.devices():
        return f"QEMU {qemu_probe.installed_version()} has no device {VIRTIO_MEM}"
    for package in packages_of(row):
        if not package.present():
            return str(package.missing("./percival test fetches it"))
    return ""


def percival(
    arguments: Sequence[str], observe: Callable[[str], None] = lambda line: None
) -> "subprocess.CompletedProcess[str]":
    """Runs the front door without a build. Its messages and its output are one text, and `observe` gets each
    line of it as it comes."""
    command = [str(ROOT / "percival"), arguments[0], "--no-build", *arguments[1:]]
    print("$", subprocess.list2cmdline(command), flush=True)
    lines: List[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            observe(line.rstrip("\n"))
    return subprocess.CompletedProcess(command, process.returncode, "".join(lines))


def make_card(row: Row, directory: Path) -> List[str]:
    """Makes the card that the row boots; returns the arguments of percival boot for it. A card without boot
    arguments turns the machine off."""
    append = ("--append", f"verdict=semihosting {row.append}") if row.append else ()
    board = Path(row.card).stem
    done = percival(("image", "--board", board, "--preset", row.preset, "--out", str(directory), *append))
    print(done.stdout)
    done.check_returncode()
    return ["--card", str(directory / row.card)]


def boot(row: Row, setup: Setup, more: Sequence[str]) -> List[str]:
    """Boots the row's machine, with more arguments, and returns the problems found."""
    with tempfile.TemporaryDirectory(prefix="percival-") as directory, contextlib.closing(
        Qmp(Path(directory) / "qmp")
    ) as qmp:
        resizer = Resizer(qmp, row.resizes)
        arguments = (*setup.qemu, *(qmp.qemu if row.resizes else ()))
        qemu = [f"--qemu-arg={argument}" for argument in arguments]
        done = percival(("boot", *row.boot_arguments, *more, *qemu), resizer.observe)
    lines = done.stdout.splitlines()
    problems = wrong(row, done.returncode, lines) + resizer.problems
    if problems:
        print("\n".join([*map("WRONG: {}".format, problems), *excerpt(lines), "The whole console:"]))
    print(done.stdout)
    return problems


def run(row: Row) -> List[str]:
    """Makes the files that the machine needs, boots it as often as the row says, and returns the problems
    found. No further boot follows a problem."""
    problems: List[str] = []
    for time in range(row.times):
        with tempfile.TemporaryDirectory(prefix="percival-") as directory:
            setup = prepare(row, Path(directory), image(row.preset))
            card = make_card(row, Path(directory)) if row.card else []
            problems = boot(row, setup, card) + setup.afterwards()
        if problems:
            which = f"boot {time + 1} of {row.times}: " if row.times > 1 else ""
            return [which + problem for problem in problems]
    return []


def main(name: str) -> int:
    """Runs the row with that name; returns the exit code."""
    row = BY_NAME[name]
    reason = reason_to_skip(row)
    if reason:
        skip_all(reason)
    problems = run(row)
    for problem in problems:
        print(f"WRONG: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
