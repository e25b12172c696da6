# SPDX-License-Identifier: BSD-2-Clause
"""Debian's GRUB for UEFI, and the configuration by which it starts the kernel."""

from __future__ import annotations

from pathlib import Path

from frontdoor import foreign_packages
from frontdoor.errors import UsageError

# Where Debian's GRUB looks for its configuration, on the file system that it was started from.
CONFIGURATION_NAME = "EFI/debian/grub.cfg"
# How GRUB starts the kernel: as it starts Linux, or as any UEFI application.
LINUX = "linux"
CHAINLOADER = "chainloader"


def application() -> Path:
    """Returns the path of GRUB with all its modules in one file."""
    return foreign_packages.GRUB.directory / foreign_packages.GRUB.needs[0]


def check(arguments: str) -> None:
    """Raises UsageError if the boot arguments would not get through GRUB unchanged."""
    if set(arguments) & set("'\"\\"):
        raise UsageError("boot arguments with ', \" or \\ do not get through GRUB unchanged")


def start(kernel: str, arguments: str, command: str = LINUX) -> str:
    """Returns GRUB's command that loads the kernel from that path with the boot arguments. Quotes keep what
    GRUB would take for its own."""
    return " ".join([command, kernel, *(f"'{word}'" for word in arguments.split())])


def at_once(*commands: str) -> bytes:
    """Returns a configuration that boots by these commands. If that fails, the machine is reset, so that the
    run ends."""
    return "".join(f"{line}\n" for line in (*commands, "boot", "reboot")).encode()


def menu(title: str, command: str) -> bytes:
    """Returns a configuration with one entry, which GRUB takes after three seconds, and which can be edited
    until then. If it fails, the menu comes back."""
    return f'set timeout=3\nmenuentry "{title}" {{\n  {command}\n}}\n'.encode()
