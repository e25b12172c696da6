# SPDX-License-Identifier: BSD-2-Clause
"""Tests that a board's machine is the one that QEMU has, and that its console is the UART that its tree
names."""

import shutil
import subprocess
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

from support import TreeTestCase
from frontdoor import boards, foreign_packages
from frontdoor.errors import EXIT_UNAVAILABLE, EXIT_USAGE, UsageError
from frontdoor.machine import Machine, of_board

TREE = """/dts-v1/;
/ {
    aliases { serial0 = "/soc/serial@7e201000"; serial1 = "/soc/serial@7e215040"; };
    chosen { CHOSEN };
    soc { serial@7e201000 { }; serial@7e215040 { }; };
};
"""


class MachineTest(unittest.TestCase):
    def test_what_is_not_said_of_a_board_is_the_boards(self) -> None:
        for name, board in boards.BOARDS.items():
            machine = of_board(name, None, None, None)
            self.assertEqual(
                (machine.cpus, machine.cpu, machine.memory), (board.cpus, board.cpu, board.memory)
            )
        self.assertEqual(of_board("virt", None, None, None, cpu_of_virt="neoverse-n1").cpu, "neoverse-n1")
        self.assertEqual(of_board("virt", None, None, None), Machine())
        self.assertEqual(of_board("raspi3b", 4, "cortex-a53", "1024M").memory, "1024M")

    def test_what_a_board_does_not_have_is_refused_by_name(self) -> None:
        for board, option, arguments in (
            ("raspi4b", "--cpus 2", (2, None, None)),
            ("raspi4b", "--cpu max", (None, "max", None)),
            ("raspi3ap", "--memory 1G", (None, None, "1G")),
            ("imx8mp-evk", "--memory up to 8G, not 9G", (None, None, "9G")),
            ("xlnx-zcu102", "--memory up to 2G, not 4G", (None, None, "4G")),
        ):
            with self.assertRaisesRegex(UsageError, f"{board} .*{option}"):
                of_board(board, *arguments)
        self.assertEqual(of_board("imx8mp-evk", None, None, "1G").memory, "1G")

    def test_cpus_of_another_kind_are_counted_by_qemu_only(self) -> None:
        self.assertEqual(of_board("xlnx-versal-virt", None, None, None).qemu_cpus, 4)
        self.assertEqual(of_board("xlnx-zcu102", None, None, None).qemu_cpus, 4)
        self.assertEqual(Machine(cpus=2).qemu_cpus, 2)


class SerialPortTest(unittest.TestCase):
    def port(self, chosen: str, machine: str = "raspi4b") -> int:
        """Returns the port of a board whose tree has that text in /chosen."""
        with tempfile.TemporaryDirectory(prefix="percival-test-") as name:
            source, blob = Path(name) / "board.dts", Path(name) / "board.dtb"
            source.write_text(TREE.replace("CHOSEN", chosen))
            subprocess.run(["dtc", "-q", "-O", "dtb", "-o", str(blob), str(source)], check=True)
            return boards.serial_port(machine, blob)

    def test_the_console_is_the_uart_that_the_tree_names(self) -> None:
        self.assertEqual(self.port('stdout-path = "serial1:115200n8";'), 1)
        self.assertEqual(self.port('stdout-path = "serial0";'), 0)
        self.assertEqual(self.port('stdout-path = "/soc/serial@7e215040:115200";'), 1)

    def test_without_a_name_that_is_known_the_console_is_the_first_port(self) -> None:
        for chosen in ("", 'stdout-path = "serial7";', 'stdout-path = "/soc/serial@1";'):
            self.assertEqual(self.port(chosen), 0)
        self.assertEqual(self.port('stdout-path = "serial1";', "virt"), 0)
        self.assertEqual(boards.serial_port("raspi4b", None), 0)
        self.assertEqual(boards.serial_port("raspi4b", Path("/no/such/tree")), 0)


class TreeTest(TreeTestCase):
    def boot(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run_percival("boot", "--no-build", *arguments)

    def kernel_package(self, board: str) -> Path:
        """Makes a kernel package with the board's tree; returns the path of that."""
        tree = self.tree / "build/foreign/linux-image/usr/lib/linux-image-6.1" / boards.BOARDS[board].tree
        tree.parent.mkdir(parents=True)
        source = tree.with_suffix(".dts")
        source.write_text(TREE.replace("CHOSEN", 'stdout-path = "serial1";'))
        subprocess.run(["dtc", "-q", "-O", "dtb", "-o", str(tree), str(source)], check=True)
        return tree

    def test_a_board_gets_its_tree_and_its_console(self) -> None:
        tree = self.kernel_package("raspi3b")
        done = self.boot("--machine", "raspi3b")
        self.assertEqual(done.returncode, 0, done.stderr)
        arguments = " ".join(self.qemu_arguments())
        self.assertIn(f"-dtb {tree.resolve()}", arguments)
        self.assertIn("-serial null -serial stdio", arguments)
        self.assertIn("-cpu cortex-a53 -smp 4", arguments)
        other = self.state / "other.dtb"
        shutil.copy(tree, other)
        self.boot("--machine", "raspi3b", "--dtb", str(other))
        self.assertEqual([self.qemu_arguments().count(word) for word in ("-dtb", str(other))], [1, 1])

    def test_a_tree_that_is_missing_is_named_with_its_package(self) -> None:
        done = self.boot("--machine", "imx8mp-evk")
        self.assertEqual(done.returncode, EXIT_UNAVAILABLE)
        self.assertRegex(done.stderr, "linux-image-arm64 for arm64 .*--no-build fetches nothing")
        self.assertIsNone(self.qemu_pid())

    def test_a_machine_with_a_tree_of_its_own_needs_no_package(self) -> None:
        self.assertEqual(self.boot("--machine", "xlnx-versal-virt").returncode, 0)
        self.assertNotIn("-dtb", self.qemu_arguments())

    def test_a_board_that_this_qemu_does_not_have_is_refused(self) -> None:
        done = self.boot("--machine", "raspi4b")
        self.assertEqual(done.returncode, EXIT_USAGE)
        self.assertIn("QEMU 10.0 knows no machine 'raspi4b'; it knows: imx8mp-evk, ", done.stderr)

    def test_the_help_lists_the_boards(self) -> None:
        text = self.run_percival("boot", "--help").stdout
        for name in boards.BOARDS:
            self.assertRegex(text, rf"\n  {name} +\S")


class TableTest(unittest.TestCase):
    def test_a_tree_is_found_whatever_the_version_of_its_kernel(self) -> None:
        with tempfile.TemporaryDirectory(prefix="percival-test-") as name:
            package = replace(foreign_packages.KERNEL, directory=Path(name))
            found = Path(name) / "usr/lib/linux-image-6.12.95+deb12-arm64/broadcom/x.dtb"
            found.parent.mkdir(parents=True)
            found.touch()
            board = boards.Board("X", "max", "1G", tree="broadcom/x.dtb")
            with mock.patch.object(foreign_packages, "KERNEL", package), mock.patch.dict(
                boards.BOARDS, {"x": board, "y": replace(board, tree="y.dtb")}
            ):
                self.assertEqual(boards.tree_of("x,a=b"), found)
                self.assertIsNone(boards.tree_of("y"))
                self.assertIsNone(boards.tree_of("virt"))


if __name__ == "__main__":
    unittest.main()
