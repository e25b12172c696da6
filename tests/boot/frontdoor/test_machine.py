# SPDX-License-Identifier: BSD-2-Clause
"""Tests that a Machine describes a machine that QEMU has, and that QEMU is started with exactly that."""

import subprocess
import unittest
from pathlib import Path
from typing import List
from unittest import mock

import support  # noqa: F401
from frontdoor import qemu
from frontdoor.errors import UsageError
from frontdoor.machine import Machine, kernel_arguments, of_board
from frontdoor.qemu_probe import QemuVersion


class MachineTest(unittest.TestCase):
    def test_only_1_to_512_cpus_are_accepted(self) -> None:
        for cpus in (1, 4, 160, 512):
            self.assertEqual(Machine(cpus=cpus).cpus, cpus)
        for cpus in (-1, 0, 513):
            with self.assertRaisesRegex(UsageError, str(cpus)):
                Machine(cpus=cpus)

    def test_a_gicv2_takes_at_most_8_cpus(self) -> None:
        self.assertEqual(Machine(cpus=8, machine="virt,gic-version=2").qemu_machine, "virt,gic-version=2")
        with self.assertRaisesRegex(UsageError, "GICv2"):
            Machine(cpus=9, machine="virt,gic-version=2,virtualization=on")

    def test_memory_needs_a_number_and_a_unit(self) -> None:
        for memory in ("128M", "8G", "1T"):
            self.assertEqual(Machine(memory=memory).memory, memory)
        for memory in ("64", "0M", "1GB", "M", "", "1.5G", "-1G", "1G,slots=2", "1 G"):
            with self.assertRaises(UsageError, msg=memory):
                Machine(memory=memory)

    def test_virt_gets_a_gicv3_unless_one_is_chosen(self) -> None:
        self.assertEqual(Machine().qemu_machine, "virt,gic-version=3")
        self.assertEqual(
            Machine(machine="virt,virtualization=on").qemu_machine, "virt,virtualization=on,gic-version=3"
        )
        self.assertEqual(Machine(machine="virt,gic-version=2").qemu_machine, "virt,gic-version=2")
        self.assertEqual(Machine(machine="sbsa-ref").qemu_machine, "sbsa-ref")

    def test_only_max_gets_fast_pointer_authentication(self) -> None:
        self.assertEqual(Machine(cpu="max").qemu_cpu, "max,pauth-impdef=on")
        self.assertEqual(Machine(cpu="max,sve=off").qemu_cpu, "max,sve=off,pauth-impdef=on")
        self.assertEqual(Machine(cpu="max,pauth=off").qemu_cpu, "max,pauth=off")
        self.assertEqual(Machine(cpu="cortex-a53").qemu_cpu, "cortex-a53")

    def test_virtio_mem_needs_a_number_and_a_unit(self) -> None:
        self.assertEqual(Machine(virtio_mem="256M").qemu_memory, "1G,maxmem=1280M")
        self.assertEqual(Machine(memory="2T", virtio_mem="1G").qemu_memory, "2T,maxmem=2098176M")
        self.assertEqual(Machine().qemu_memory, "1G")
        for size in ("64", "0M", "1GB", "1G,x=1"):
            with self.assertRaisesRegex(UsageError, "--virtio-mem"):
                Machine(virtio_mem=size)

    def test_only_virt_has_a_place_for_virtio_mem(self) -> None:
        for machine in ("virt,gic-version=2", "virt-9.2", "virt"):
            Machine(machine=machine, virtio_mem="256M")
        for machine in ("xlnx-versal-virt", "sbsa-ref", "virtual"):
            with self.assertRaisesRegex(UsageError, "no place"):
                of_board(machine, None, None, None, virtio_mem="256M")

    def test_virtio_mem_is_a_device_whose_memory_is_away_at_first(self) -> None:
        with mock.patch.object(qemu, "devices", lambda: {"virtio-mem-pci"}), mock.patch.object(
            qemu, "cpu_models", lambda: {"max"}
        ), mock.patch("shutil.which", lambda _: "qemu"):
            words = qemu.command(Machine(virtio_mem="256M"), [])
            self.assertEqual(words[words.index("-m") + 1], "1G,maxmem=1280M")
            self.assertIn("memory-backend-ram,id=virtio-mem-ram,size=256M,reserve=off", words)
            self.assertIn("virtio-mem-pci,id=virtio-mem,memdev=virtio-mem-ram,requested-size=0", words)
            self.assertNotIn("-device", qemu.command(Machine(), []))

    def test_no_old_qemu_gets_an_option_for_sound_that_it_does_not_take(self) -> None:
        for version, wanted in (((7, 2), False), ((8, 2), True), ((10, 0), True)):
            installed = QemuVersion(*version)
            with mock.patch.object(qemu, "installed_version", lambda of=installed: of), mock.patch.object(
                qemu, "cpu_models", lambda: {"max"}
            ), mock.patch("shutil.which", lambda _: "qemu"):
                self.assertEqual("-audio" in qemu.command(Machine(), []), wanted)

    def test_a_tree_is_that_of_the_machine_with_all_its_options(self) -> None:
        asked: List[List[str]] = []

        def run(words: List[str], **_: object) -> "subprocess.CompletedProcess[str]":
            asked.append(words)
            return subprocess.CompletedProcess(words, len(asked) - 1, "", "no tree")

        with mock.patch.object(qemu, "cpu_models", lambda: {"max"}), mock.patch(
            "shutil.which", lambda _: "qemu"
        ), mock.patch("subprocess.run", run):
            qemu.write_tree(Machine(cpus=3), Path("own.dtb"), extra=["-device", "x"])
            self.assertIn("dumpdtb=own.dtb", asked[0])
            self.assertEqual(asked[0][asked[0].index("-smp") + 1], "3")
            self.assertEqual(asked[0][-2:], ["-device", "x"])
            with self.assertRaisesRegex(UsageError, "QEMU writes no device tree: no tree"):
                qemu.write_tree(Machine(), Path("own.dtb"))

    def test_a_qemu_without_virtio_mem_is_named(self) -> None:
        with mock.patch.object(qemu, "devices", lambda: {"virtio-blk-pci"}):
            qemu.check_virtio_mem(Machine())
            with self.assertRaisesRegex(UsageError, "has no device virtio-mem-pci"):
                qemu.check_virtio_mem(Machine(virtio_mem="256M"))

    def test_a_value_that_looks_like_an_option_is_refused(self) -> None:
        for value in ("-nographic", "", ",x"):
            with self.assertRaises(UsageError):
                Machine(cpu=value)
            with self.assertRaises(UsageError):
                Machine(machine=value)

    def test_a_bigger_machine_gets_more_time(self) -> None:
        self.assertGreater(Machine(cpus=64).default_timeout_s, Machine(cpus=1).default_timeout_s)
        self.assertGreater(Machine(cpus=512).default_timeout_s, 2 * 3600)
        self.assertGreater(Machine(icount=True).default_timeout_s, Machine().default_timeout_s)

    def test_the_verdict_comes_by_semihosting_unless_the_user_says_otherwise(self) -> None:
        self.assertEqual(kernel_arguments(()), "verdict=semihosting")
        self.assertEqual(kernel_arguments(("a b", "c")), "a b c verdict=semihosting")
        self.assertEqual(kernel_arguments(("verdict=poweroff a",)), "verdict=poweroff a")


if __name__ == "__main__":
    unittest.main()
