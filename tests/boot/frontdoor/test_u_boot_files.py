# SPDX-License-Identifier: BSD-2-Clause
"""Tests the files by which U-Boot finds and starts the kernel."""

import unittest
import zlib

import support  # noqa: F401
from frontdoor import u_boot_files
from frontdoor.errors import UsageError


class ScriptTest(unittest.TestCase):
    def test_the_script_has_the_header_that_uboot_checks(self) -> None:
        image = u_boot_files.script_image("setenv bootargs 'selftest=a.*'", "reset")
        self.assertEqual(image[72:], b"setenv bootargs 'selftest=a.*'\nreset\n")
        self.assertEqual(image[:4], bytes.fromhex("27051956"))
        self.assertEqual(int.from_bytes(image[4:8], "big"), zlib.crc32(image[:4] + bytes(4) + image[8:64]))
        self.assertEqual(int.from_bytes(image[12:16], "big"), len(image) - 64)
        self.assertEqual(int.from_bytes(image[24:28], "big"), zlib.crc32(image[64:]))
        self.assertEqual(int.from_bytes(image[64:68], "big"), len(image) - 72)
        self.assertEqual(image[68:72], bytes(4))

    def test_the_kernel_gets_the_tree_of_the_firmware_if_there_is_one_and_else_that_of_uboot(self) -> None:
        lines = u_boot_files.booting("a=b", "load it")
        self.assertEqual(
            lines[:3], ("setenv bootargs 'a=b'", "load it", "setenv percival_tree ${fdtcontroladdr}")
        )
        self.assertIn("if fdt addr ${fdt_addr}; then setenv percival_tree ${fdt_addr};", lines[3])
        self.assertEqual(lines[4:], ("booti ${kernel_addr_r} - ${percival_tree}",))


class ConfigurationTest(unittest.TestCase):
    def test_the_kernel_is_booted_at_once_with_the_boards_own_tree(self) -> None:
        lines = u_boot_files.extlinux("a=b c", "/kernel8.img").decode().splitlines()
        self.assertEqual(lines[0], "DEFAULT percival")
        self.assertIn("  KERNEL /kernel8.img", lines)
        self.assertIn("  APPEND a=b c", lines)
        self.assertFalse([line for line in lines if "FDT" in line.upper()])


class ArgumentsTest(unittest.TestCase):
    def test_what_uboot_would_change_is_refused(self) -> None:
        u_boot_files.check("selftest=roots.*,percpu.* verdict=poweroff")
        for arguments in ("a='b'", "${x}", "a;b"):
            with self.assertRaises(UsageError):
                u_boot_files.check(arguments)


if __name__ == "__main__":
    unittest.main()
