# SPDX-License-Identifier: BSD-2-Clause
"""Checks the headers of the Image with LLVM's reader of PE/COFF files: what UEFI firmware loads is the whole
Image, each part with no more rights than it needs."""

import re
import struct
import subprocess
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from frontdoor import build  # noqa: E402  (the path has to be set first)
from frontdoor.paths import image  # noqa: E402

PAGE = 4096
RIGHTS = re.compile(r"IMAGE_SCN_MEM_(\w+)")


@dataclass(frozen=True)
class Section:
    """A part of the Image: where it is in memory and in the file, in bytes, and what may be done with it."""

    name: str
    address: int
    size: int
    file_at: int
    file_size: int
    rights: Tuple[str, ...]


def output_of(preset: str) -> str:
    """Returns what the reader says of a preset's Image."""
    command = ["llvm-readobj-19", "--file-headers", "--sections", str(image(preset))]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def number(text: str, name: str) -> int:
    """Returns the number behind a name. Some are decimal, and some have their meaning in front."""
    match = re.search(rf"^ *{name}: (?:\w+ \()?(0x[0-9A-F]+|\d+)\)?$", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"{name} is not there")
    return int(match[1], 0)


def sections(output: str) -> List[Section]:
    """Returns the sections of the reader's output, in order."""
    found = []
    for text in output.split("  Section {")[1:]:
        names = ("VirtualAddress", "VirtualSize", "PointerToRawData", "RawDataSize")
        address, size, file_at, file_size = (number(text, name) for name in names)
        name = re.search(r"Name: (\S+)", text)
        assert name is not None
        found.append(Section(name[1], address, size, file_at, file_size, tuple(RIGHTS.findall(text))))
    return found


class ImageHeaders(unittest.TestCase):
    def setUp(self) -> None:
        self.presets = [
            name for name in build.presets() if name != build.HOST_PRESET and image(name).is_file()
        ]
        self.assertIn(build.DEFAULT_PRESET, self.presets)

    def test_uefi_loads_an_application_for_arm64_that_may_run_anywhere(self) -> None:
        for preset in self.presets:
            output = output_of(preset)
            self.assertEqual(number(output, "Machine"), 0xAA64)
            self.assertEqual(number(output, "Subsystem"), 10)
            self.assertIn("IMAGE_DLL_CHARACTERISTICS_NX_COMPAT", output)
            self.assertNotIn("RELOCS_STRIPPED", output)
            self.assertEqual(number(output, "ImageBase"), 0)
            self.assertEqual(number(output, "SectionAlignment"), PAGE)

    def test_the_sections_are_the_whole_image_without_gaps(self) -> None:
        for preset in self.presets:
            output, data = output_of(preset), image(preset).read_bytes()
            parts = sections(output)
            at = number(output, "SizeOfHeaders")
            self.assertEqual(at, PAGE)
            for part in parts:
                self.assertEqual((part.address, part.file_at), (at, at), part)
                self.assertEqual(part.address % PAGE, 0, part)
                at += part.size
            self.assertEqual(parts[-1].file_at + parts[-1].file_size, len(data))
            (image_size,) = struct.unpack_from("<Q", data, 16)  # of the boot protocol's header
            self.assertEqual((at, number(output, "SizeOfImage")), (image_size, image_size))

    def test_no_section_is_writable_and_executable(self) -> None:
        for preset in self.presets:
            self.assertEqual(
                [(part.name, part.rights) for part in sections(output_of(preset))],
                [(".text", ("EXECUTE", "READ")), (".rodata", ("READ",)), (".data", ("READ", "WRITE"))],
            )

    def test_the_entry_is_code(self) -> None:
        for preset in self.presets:
            output = output_of(preset)
            text = sections(output)[0]
            entry = number(output, "AddressOfEntryPoint")
            self.assertTrue(text.address <= entry < text.address + text.size)

    def test_the_header_of_the_boot_protocol_is_still_there(self) -> None:
        for preset in self.presets:
            data = image(preset).read_bytes()
            self.assertEqual(data[:2], b"MZ")
            self.assertEqual(data[56:60], b"ARM\x64")


if __name__ == "__main__":
    unittest.main()
