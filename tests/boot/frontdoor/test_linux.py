# SPDX-License-Identifier: BSD-2-Clause
"""Tests how Linux's figures come about: which packages are taken, what is built and booted of them, what the
console says, and what stands beside Percival's results when Linux cannot be measured.
"""

import json
import re
import shutil
import struct
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple
from unittest import mock

from support import PASSED, ROOT, TreeTestCase
from frontdoor import apt, apt_sources, bench, boot, console, cpio, linux_packages, linux_peer, qemu
from frontdoor.apt_sources import Source, release_sources
from frontdoor.bench_log import read_lines
from frontdoor.bench_rows import DamagedRow, Row, parse_line
from frontdoor.bench_table import footnote, table
from frontdoor.errors import IoFailed, Unavailable, UsageError
from frontdoor.linux_figures import COUNTED, NOT_BY_MODULE, STORED, STORED_DATE, measured
from frontdoor.linux_packages import Kernel, build_parts, newest
from frontdoor.machine import Machine

RELEASE = "6.12.117+deb12-arm64"
ROW = 'bench: {"name":"this_cpu_add","mode":"-","system":"linux-6.12-rt-arm64","cpus":1,"instructions":15.00}'
CONSOLE = [
    "[    5.970177] peer: loading out-of-tree module taints kernel.",
    "[    5.970529] peer: Linux 6.12-rt-arm64, preemptible",
    f"[    5.992735] {ROW}",
    "[    6.030841] peer: measured",
]
HEADERS = (
    "Package: linux-headers-6.12-rt-arm64\n"
    "Depends: linux-base (>= 4.12~), linux-headers-6.12-common-rt (= 6.12-1), linux-image-6.12-rt-arm64"
    " (= 6.12-1) | linux-image-6.12-rt-arm64-unsigned, linux-kbuild-6.12, gcc-12\n"
)


def packages_of(*versions: str) -> List[str]:
    """Returns the names of the images and headers of these versions, in both flavours."""
    return [
        f"linux-{part}-{version}-{flavour}"
        for version in versions
        for part in ("image", "headers")
        for flavour in ("arm64", "rt-arm64")
    ]


class ChoiceTest(unittest.TestCase):
    def test_the_newest_kernel_is_taken_by_numbers_not_by_letters(self) -> None:
        names = packages_of("6.1.0-57", "6.12.95+deb12", "6.12.117+deb12", "6.12.90+deb12.1")
        self.assertEqual(newest(names), "6.12.117+deb12")
        self.assertEqual(newest(packages_of("6.1.0-9", "6.1.0-57")), "6.1.0-57")

    def test_a_kernel_without_headers_or_without_a_flavour_is_not_taken(self) -> None:
        for lacking in packages_of("6.12.95+deb12"):
            names = [*packages_of("6.1.0-57"), *packages_of("6.12.95+deb12")]
            names.remove(lacking)
            self.assertEqual(newest(names), "6.1.0-57", lacking)

    def test_other_packages_are_no_kernels_to_take(self) -> None:
        for other in ("6.12", "6.12.95+deb12-cloud", "6.12.95+deb12-unsigned"):
            self.assertIsNone(newest(packages_of(other)), other)
        self.assertIsNone(newest([]))

    def test_the_headers_say_which_parts_they_need(self) -> None:
        self.assertEqual(build_parts(HEADERS), ["linux-headers-6.12-common-rt", "linux-kbuild-6.12"])
        self.assertEqual(build_parts(""), [])

    def test_sources_are_those_of_the_release_and_of_what_is_added_to_it(self) -> None:
        options = {"Signed-By": "/key"}
        here = Source(("http://a/debian",), ("bookworm", "bookworm-updates", "sid"), ("main",), options)
        security = Source(("http://a/security/",), ("bookworm-security",), ("main", "contrib"))
        others = [
            Source(("http://b/tools",), ("bookworm",), ("main",)),
            Source(("http://a/debian",), ("bookworm",), ("contrib",)),
            Source(("http://a/debian",), ("trixie",), ("main",)),
        ]
        uris = ["http://a/debian/", "http://a/security"]
        found = release_sources([here, security, *others], "bookworm", uris)
        self.assertEqual(
            [one.suites for one in found], [("bookworm", "bookworm-updates"), ("bookworm-security",)]
        )
        self.assertEqual(found[0].options, options)

    def test_the_makefile_is_found_where_it_was_unpacked(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            kernel = Kernel(Path(name), RELEASE)
            kernel.headers.mkdir(parents=True)
            (kernel.headers / "Makefile").write_text("include /usr/src/linux-headers-6.12-common/Makefile\n")
            self.assertEqual(kernel.makefile, Path(name, "usr/src/linux-headers-6.12-common/Makefile"))
            (kernel.headers / "Makefile").write_text("all:\n")
            with self.assertRaises(Unavailable):
                kernel.makefile  # pylint: disable=pointless-statement


@unittest.skipUnless(shutil.which("dpkg-deb"), "packages are fetched only on Debian")
class FetchTest(unittest.TestCase):
    def setUp(self) -> None:
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.at = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="percival-test-")))
        self.names = packages_of("6.12.1+deb12")
        self.calls: List[Sequence[str]] = []
        source = Source(("http://mirror.invalid/debian",), ("bookworm",), ("main",))
        for module, name, value in (
            (linux_packages, "FOREIGN", self.at),
            (linux_packages, "DIRECTORY", self.at / "linux-peer"),
            (linux_packages, "debian_codename", lambda: "bookworm"),
            (linux_packages, "run_tool", self.run_tool),
            (linux_packages, "unpacked", lambda: []),
            (apt, "debian_uris", lambda: []),
            (apt, "query", self.query),
            (apt_sources, "machine_sources", lambda: [source]),
        ):
            stack.enter_context(mock.patch.object(module, name, value))

    def run_tool(self, what: str, command: Sequence[str], log: Path, **settings: Any) -> int:
        """Stands for a network that is down."""
        self.calls.append(command)
        return 100

    def query(self, command: Sequence[str]) -> str:
        """Stands for apt-cache."""
        if "search" in command:
            return "".join(f"{name} - a package\n" for name in self.names)
        return HEADERS if "show" in command else "amd64\n"

    def refusal(self) -> str:
        with self.assertRaises(Unavailable) as caught:
            linux_packages.provide(may_fetch=True)
        self.assertEqual(list(self.at.iterdir()), [], "something is left")
        return str(caught.exception)

    def test_without_a_network_there_is_a_message_and_nothing_is_left(self) -> None:
        self.assertIn("6.12.1+deb12 could not be fetched", self.refusal())
        self.names = []
        self.assertIn("lists of packages could not be fetched", self.refusal())

    def test_programs_are_fetched_for_this_machine_and_all_else_for_arm64(self) -> None:
        self.refusal()
        download = self.calls[-1]
        wanted = download[list(download).index("download") + 1 :]
        self.assertIn("linux-kbuild-6.12:amd64", wanted)
        self.assertIn("linux-headers-6.12-common-rt", wanted)
        for flavour in ("arm64", "rt-arm64"):
            for part in ("image", "headers"):
                self.assertIn(f"linux-{part}-6.12.1+deb12-{flavour}:arm64", wanted)

    def test_elsewhere_than_on_debian_and_without_leave_nothing_is_fetched(self) -> None:
        with self.assertRaisesRegex(Unavailable, "--no-build fetches nothing"):
            linux_packages.provide(may_fetch=False)
        with mock.patch.object(linux_packages, "debian_codename", lambda: None):
            self.assertIn("only on Debian", self.refusal())
        with mock.patch.object(apt_sources, "machine_sources", lambda: []):
            self.assertIn("no apt source", self.refusal())
        self.assertEqual(self.calls, [])


def entries_of(archive: bytes) -> Dict[str, Tuple[int, bytes]]:
    """Reads an archive; returns mode and content by name. Asserts that it is well formed."""
    found: Dict[str, Tuple[int, bytes]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701" and at % 4 == 0, at
        fields = [int(archive[at + 6 + 8 * field : at + 14 + 8 * field], 16) for field in range(13)]
        name = archive[at + 110 : at + 110 + fields[11]]
        assert name.endswith(b"\0")
        start = (at + 110 + fields[11] + 3) // 4 * 4
        if name == b"TRAILER!!!\0":
            assert start == len(archive)
            return found
        found[name[:-1].decode()] = (fields[1], archive[start : start + fields[6]])
        at = (start + fields[6] + 3) // 4 * 4


class ArchiveTest(unittest.TestCase):
    def test_an_archive_has_what_was_put_in(self) -> None:
        for length in range(5):
            content = struct.pack("5B", *range(5))[:length]
            archive = cpio.archive(
                [
                    cpio.directory("dev"),
                    cpio.character_device("dev/console", 5, 1),
                    cpio.file("init", content, 0o755),
                ]
            )
            expected = {"dev": (0o40755, b""), "dev/console": (0o20600, b""), "init": (0o100755, content)}
            self.assertEqual(entries_of(archive), expected)
            self.assertIn(b"0000000500000001", archive)


class ReadTest(unittest.TestCase):
    def test_results_are_read_with_what_the_kernel_says_of_itself(self) -> None:
        run = linux_peer.read(RELEASE, CONSOLE)
        assert run is not None
        self.assertTrue(run.preemptible)
        self.assertEqual([row["system"] for row in run.rows], ["linux-6.12-rt-arm64"])
        other = linux_peer.read(RELEASE, [line.replace("preemptible", "voluntary") for line in CONSOLE])
        self.assertIs(other is not None and other.preemptible, False)

    def test_a_console_that_ends_early_has_no_results(self) -> None:
        for without in (CONSOLE[:-1], CONSOLE[2:], CONSOLE[:0]):
            self.assertIsNone(linux_peer.read(RELEASE, without))

    def test_a_kernel_that_does_not_measure_to_the_end_is_an_error(self) -> None:
        def run(command: Sequence[str], timeout_s: float, observe: Any, **settings: Any) -> None:
            observe(CONSOLE[1])

        with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
            for module, name, value in (
                (linux_peer, "LOGS", Path(logs)),
                (linux_peer, "command", lambda kernel: []),
                (console, "run", run),
                (linux_packages, "provide", lambda may_fetch: [Kernel(Path(logs), RELEASE)]),
                (linux_peer, "_initrd", lambda kernel: Path(__file__)),
                (linux_peer, "say", lambda message: None),
            ):
                stack.enter_context(mock.patch.object(module, name, value))
            with self.assertRaisesRegex(IoFailed, re.escape(RELEASE) + " did not measure; its console is in"):
                linux_peer.measure(may_build=False)
            self.assertIn("peer: Linux", Path(logs, f"linux-{RELEASE}.log").read_text())

    def test_a_row_names_its_system_and_no_other_text(self) -> None:
        row = parse_line(ROW)
        assert row is not None
        self.assertEqual(row["system"], "linux-6.12-rt-arm64")
        for bad in ("", "linux-", "<b>", "linux-a b", "linux-" + "9" * 80):
            with self.assertRaises(DamagedRow, msg=bad):
                parse_line(ROW.replace("linux-6.12-rt-arm64", bad))

    def test_rows_of_two_systems_are_not_results_of_one_thing(self) -> None:
        own = ROW.replace('"system":"linux-6.12-rt-arm64",', "")
        self.assertEqual(len(read_lines("m", [ROW, own]).rows), 2)


class MachineTest(unittest.TestCase):
    def test_linux_is_measured_on_the_machine_of_percival_with_one_cpu(self) -> None:
        with mock.patch.object(qemu, "check_cpu"), mock.patch.object(shutil, "which", lambda name: name):
            command = linux_peer.command(Kernel(Path("/at"), RELEASE))
            percival = qemu.command(Machine(cpus=1, cpu="neoverse-n1", icount=True), ())
        for option in ("-cpu", "-smp", "-m", "-icount"):
            self.assertEqual(command[command.index(option) + 1], percival[percival.index(option) + 1], option)
        text = " ".join(command)
        for part in ("dtb-randomness=off", "-seed 1", "clock=vm", f"-kernel /at/boot/vmlinuz-{RELEASE}"):
            self.assertIn(part, text)

    def test_linux_leaves_the_counter_alone_and_does_not_clear_pages(self) -> None:
        for argument in ("initcall_blacklist=armv8_pmu_driver_init", "init_on_alloc=0"):
            self.assertIn(argument, linux_peer.ARGUMENTS.split())


class FiguresTest(unittest.TestCase):
    def test_the_module_measures_what_is_stored(self) -> None:
        text = (ROOT / "tests" / "bench" / "linux_peer" / "peer.c").read_text()
        names = set(re.findall(r'^ +(?:\{|report\()"(\w+)"', text, re.MULTILINE))
        names |= set(re.findall(r'"(\w+_deferred)"', text))
        packaged = {name for name, each in STORED.figures.items() if each.preemptible is not None}
        self.assertEqual(names, packaged - set(NOT_BY_MODULE))

    def test_what_was_measured_takes_the_place_of_what_is_stored(self) -> None:
        preemptible = linux_peer.read("r", CONSOLE)
        voluntary = linux_peer.read(
            "v", [line.replace("preemptible", "voluntary").replace("15.00", "6.00") for line in CONSOLE]
        )
        assert preemptible is not None and voluntary is not None
        linux = measured([voluntary, preemptible])
        self.assertEqual(linux.figures["this_cpu_add"], (15.0, 6.0, COUNTED["this_cpu_add"]))
        self.assertEqual(linux.figures["this_cpu_read"], (None, None, COUNTED["this_cpu_read"]))
        self.assertNotIn("kmalloc_kfree_64", linux.figures)
        self.assertIn("v and r", linux.source)
        self.assertIn("but for boot_to_selftest, which is stored", linux.source)

    def test_the_table_says_what_is_counted_and_from_when_figures_are(self) -> None:
        rows: List[Row] = [{"name": "this_cpu_add", "mode": "local", "cpus": 1, "instructions": 1.0}]
        heads, line = table(rows).splitlines()
        self.assertTrue(heads.endswith("Linux preemptible  Linux voluntary  Linux 7.4, counted"), heads)
        self.assertEqual(line.split()[-3:], ["15", "6", "6"])
        self.assertIn(STORED_DATE, footnote())
        self.assertIn("Linux 7.4: counted in its sequences, not measured", footnote())

    def test_the_kind_of_roots_is_a_column_only_if_there_are_several(self) -> None:
        rows: List[Row] = [
            {"name": "pin", "mode": "-", "cpus": 1, "instructions": 1.0, "roots": kind}
            for kind in ("private", "common")
        ]
        self.assertNotIn("roots", table(rows[:1]))
        self.assertEqual(
            [line.split()[-1] for line in table(rows).splitlines()], ["roots", "private", "common"]
        )


class ReadmeTest(unittest.TestCase):
    def lines(self, heading: str) -> Dict[str, List[str]]:
        """Returns the cells of the README's table whose heads begin like that, by the head of each row."""
        text = (ROOT / "README.md").read_text()
        rows = text[text.index(heading) :].split("\n\n", 1)[0].splitlines()[2:]
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        return {row[0]: row[1:] for row in cells}

    def test_the_table_of_operations_has_what_was_measured(self) -> None:
        lines = self.lines("| | read | write |")
        operations = ("read", "write", "add", "xchg", "inc_return", "cmpxchg")
        names = [*(f"this_cpu_{each}" for each in operations), "percpu_counter_add"]
        rows = json.loads((ROOT / "tests" / "bench" / "reference.json").read_text())["rows"]
        counts = {(row["name"], row["mode"]): row["instructions"] for row in rows if row["cpus"] == 1}
        for mode in ("local", "restart", "fixup", "guarded"):
            expected = [str(round(counts[name, mode])) for name in names]
            self.assertEqual(lines[f"Percival, `{mode}`"], expected)
        for title, kind in (("6.12, preemptible", 0), ("6.12, voluntary", 1), ("7.4, counted", 2)):
            figures = [STORED.figures[name][kind] for name in names]
            self.assertEqual(lines[f"Linux {title}"], ["-" if one is None else f"{one:g}" for one in figures])

    def test_the_table_of_what_stands_around_them_has_linuxs_stored_figures(self) -> None:
        lines = self.lines("| | vmalloc 1 page |")
        names = ("vmalloc_vfree_1p", "vmalloc_vfree_16p", "vmalloc_vfree_1MiB", "vmap_vunmap_16p")
        for title, kind in (("preemptible", 0), ("voluntary", 1)):
            value = {name: each[kind] or 0.0 for name, each in STORED.figures.items()}
            pairs = [f"{value[name]:,.0f} ({value[f'{name}_deferred']:,.0f})" for name in names]
            rest = [f"{value[name]:,.0f}" for name in ("alloc_free_percpu_8", "context_switch")]
            self.assertEqual(lines[f"Linux 6.12, {title}"], [*pairs, *rest])


class RootsTest(unittest.TestCase):
    def arguments(self, order: bench.Order, *append: str) -> List[Tuple[str, ...]]:
        """Returns the boot arguments of each run."""
        return [run.append for run in bench.runs_of(boot.Run(Machine(), append=append), order)]

    def test_a_page_has_both_kinds_of_roots_and_a_table_one(self) -> None:
        both = [("roots=private",), ("roots=common", "percpu=auto")]
        self.assertEqual(self.arguments(bench.Order(html=Path("x"))), both)
        self.assertEqual(self.arguments(bench.Order()), [()])
        self.assertEqual(self.arguments(bench.Order(roots=("private", "common"))), both)

    def test_what_the_user_says_is_not_said_twice(self) -> None:
        page = bench.Order(html=Path("x"))
        for given in ("roots=common percpu=restart", "percpu=local"):
            self.assertEqual(self.arguments(page, given), [(given,)])
        self.assertEqual(
            self.arguments(page, "percpu=fixup"),
            [("roots=private", "percpu=fixup"), ("roots=common", "percpu=fixup")],
        )
        restart = bench.Order(html=Path("x"), mode="restart")
        self.assertEqual(self.arguments(restart), [("roots=private",), ("roots=common",)])

    def test_local_mode_and_one_root_for_all_are_refused(self) -> None:
        for order, append in (
            (bench.Order(roots=("common",), mode="local"), ""),
            (bench.Order(roots=("private", "common")), "percpu=local"),
            (bench.Order(roots=("common",)), "roots=common"),
        ):
            with self.assertRaises(UsageError):
                self.arguments(order, append)


class CommandTest(TreeTestCase):
    def test_without_linux_the_stored_figures_stand_with_their_date(self) -> None:
        line = 'bench: {"name":"this_cpu_add","mode":"local","cpus":4,"instructions":1.00}'
        done = self.run_percival("bench", "--no-build", "--linux", qemu=f"echo '{line}'; {PASSED}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--no-build fetches nothing", done.stderr)
        self.assertIn(f"Linux's figures are those stored on {STORED_DATE}", done.stderr)
        self.assertRegex(done.stdout, r"\nthis_cpu_add +local +4 +1\.00 .* 15 +6 +6\n")


if __name__ == "__main__":
    unittest.main()
