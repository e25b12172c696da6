# SPDX-License-Identifier: BSD-2-Clause
"""Tests `percival layout` for every preset, and the copy of its output in the documentation."""

import re
import shutil
import subprocess
import unittest

from support import ROOT

from frontdoor import layout
from frontdoor.build import HOST_PRESET, presets

DOCUMENT = ROOT / "docs" / "architecture.md"
BLOCK = re.compile(r"<!-- layout -->\n```\w*\n(.*?)```\n<!-- end -->", re.DOTALL)
SOURCE = (ROOT / "mm" / "address_space" / "layout.hpp").read_text()


def printed(*arguments: str) -> str:
    """Returns the output of the command."""
    command = [str(ROOT / "percival"), "layout", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@unittest.skipUnless(shutil.which(layout.COMPILER), f"{layout.COMPILER} is missing")
class LayoutTest(unittest.TestCase):
    def test_the_default_is_4k_48_and_agrees_with_the_source(self) -> None:
        regions = {region.name: region for region in layout.read("4k-48").regions}
        for constant, name in (
            ("kLinear", "linear map"),
            ("kVmalloc", "vmalloc"),
            ("kGlobalPercpu", "global percpu"),
            ("kImageWindow", "image window"),
            ("kLocalPercpu", "local percpu"),
        ):
            stated = re.search(rf"<Geometry4k48>::{constant}\.base == VirtAddr\{{(0x[0-9a-f']+)\}}", SOURCE)
            assert stated is not None, constant
            self.assertEqual(regions[name].base, int(stated[1].replace("'", ""), 16), name)
        self.assertEqual(printed(), printed("--preset", "4k-48"))

    def test_regions_of_every_preset_ascend_without_overlap(self) -> None:
        for preset in presets():
            if preset == HOST_PRESET:
                continue
            with self.subTest(preset=preset):
                read = layout.read(preset)
                for below, above in zip(read.regions, read.regions[1:]):
                    self.assertLess(below.last, above.base, above.name)
                    self.assertLessEqual(below.last_entry, above.first_entry, above.name)
                self.assertLess(read.regions[-1].last, 2**64)
                self.assertTrue(all(len(line) <= 110 for line in layout.text(read).splitlines()))

    def test_presets_inherit_variables(self) -> None:
        self.assertEqual(layout.constants("debug")["PERCIVAL_VA_BITS"], "48")
        self.assertEqual(layout.constants("16k-47")["PERCIVAL_GRANULE_KIB"], "16")

    def test_the_picture_has_a_line_for_each_region_and_one_difference(self) -> None:
        lines = printed().splitlines()
        self.assertEqual(sum("- shared -" in line for line in lines), 8)
        self.assertEqual([line for line in lines if "the only difference" in line][0].count("slab"), 2)

    def test_a_preset_that_does_not_exist_is_a_usage_error(self) -> None:
        command = [str(ROOT / "percival"), "layout", "--preset", "nope"]
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 64)

    @unittest.skipUnless(DOCUMENT.is_file(), f"there is no {DOCUMENT.name}")
    def test_the_documentation_shows_what_the_command_prints(self) -> None:
        blocks = BLOCK.findall(DOCUMENT.read_text())
        self.assertEqual(blocks, [printed()])


if __name__ == "__main__":
    unittest.main()
