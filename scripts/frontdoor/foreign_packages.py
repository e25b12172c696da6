# SPDX-License-Identifier: BSD-2-Clause
"""Fetches Debian packages that are not installed on this machine, and unpacks them below build/.

Such packages are parts of the machines that the kernel runs on: libfdt for arm64, device trees of boards,
boot loaders, an older QEMU. They cannot be installed beside the machine's own packages, so each is fetched
with a private apt state and unpacked. apt verifies it as usual, no root is needed, no architecture is added,
and the system is not changed. Archives come from the machine's own apt sources.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence, Tuple

from frontdoor import apt, apt_sources, private_apt
from frontdoor.apt_sources import Source
from frontdoor.debian import debian_codename
from frontdoor.errors import Unavailable
from frontdoor.paths import FOREIGN, LOGS
from frontdoor.progress import run_tool, say
from frontdoor.qemu_probe import PROGRAM

# Everything that is used lies here. The modules of a kernel are many times larger, and not used.
UNPACKED = "./usr"
NOT_UNPACKED = "./usr/lib/modules"


@dataclass(frozen=True)
class ForeignPackage:
    """A package of Debian's archive. `purpose` completes "is needed for". `needs` are patterns of its
    files, each of which must match one once it is unpacked into `directory`. If `name` is that of a meta
    package, `real` is a pattern of the package that it depends on, which is the one to fetch. `backports`,
    `component` and `architecture` say where it is."""

    name: str
    purpose: str
    directory: Path
    needs: Tuple[str, ...]
    real: str = ""
    backports: bool = False
    component: str = "main"
    architecture: str = "arm64"

    def present(self) -> bool:
        """Returns whether the package is unpacked. It appears in one step, so it is not there in part."""
        return all(any(self.directory.glob(pattern)) for pattern in self.needs)

    @property
    def title(self) -> str:
        """The package's name for messages."""
        return f"{self.name} for {self.architecture}" + (" from backports" if self.backports else "")

    def missing(self, why: str) -> Unavailable:
        """Returns the error that says what is missing, where it belongs, and why it could not be had."""
        paths = ", ".join(self.needs)
        return Unavailable(
            f"Debian's package {self.title} is needed for {self.purpose}, unpacked into {self.directory} "
            f"({paths}); {why}"
        )


# The device trees of boards, as the release's kernel and the one of its backports have them.
KERNEL = ForeignPackage(
    "linux-image-arm64",
    "device trees of boards",
    FOREIGN / "linux-image",
    ("usr/lib/linux-image-*/*/*.dtb",),
    real=r"linux-image-\d\S*-arm64",
)
BACKPORTS_KERNEL = ForeignPackage(
    KERNEL.name,
    KERNEL.purpose,
    FOREIGN / "linux-image-backports",
    KERNEL.needs,
    real=KERNEL.real,
    backports=True,
)
U_BOOT_QEMU = ForeignPackage(
    "u-boot-qemu",
    "booting QEMU's virt through U-Boot",
    FOREIGN / "u-boot-qemu",
    ("usr/lib/u-boot/qemu_arm64/u-boot.bin",),
)
U_BOOT_RPI = ForeignPackage(
    "u-boot-rpi",
    "booting a Raspberry Pi through U-Boot",
    FOREIGN / "u-boot-rpi",
    ("usr/lib/u-boot/rpi_3/u-boot.bin", "usr/lib/u-boot/rpi_4/u-boot.bin"),
)
EDK2 = ForeignPackage(
    "qemu-efi-aarch64",
    "booting QEMU's virt through EDK2",
    FOREIGN / "qemu-efi-aarch64",
    ("usr/share/qemu-efi-aarch64/QEMU_EFI.fd",),
)
GRUB = ForeignPackage(
    "grub-efi-arm64-bin",
    "booting through GRUB",
    FOREIGN / "grub-efi-arm64-bin",
    ("usr/lib/grub/arm64-efi/monolithic/grubaa64.efi",),
)
RASPI_FIRMWARE = ForeignPackage(
    "raspi-firmware",
    "the first stages of a Raspberry Pi's boot",
    FOREIGN / "raspi-firmware",
    ("usr/lib/raspi-firmware/start4.elf", "usr/lib/raspi-firmware/bootcode.bin"),
    component="non-free-firmware",
)


def release_qemu() -> ForeignPackage:
    """Returns the release's own QEMU, for where a newer one from backports is installed."""
    return ForeignPackage(
        "qemu-system-arm",
        "booting in the QEMU of the release",
        FOREIGN / "qemu-system-arm",
        (f"usr/bin/{PROGRAM}",),
        architecture=apt.architecture(),
    )


def of_tests() -> Tuple[ForeignPackage, ...]:
    """Returns what the tests boot from and read. Not every mirror has the kernel of backports."""
    return (KERNEL, U_BOOT_QEMU, U_BOOT_RPI, EDK2, GRUB, release_qemu(), BACKPORTS_KERNEL, RASPI_FIRMWARE)


def _archive(package: ForeignPackage) -> Tuple[Source, str]:
    """Returns the source of the release's archive, and the suite that has the package."""
    codename = debian_codename()
    if codename is None or not shutil.which("apt-get"):
        raise package.missing("it can be fetched only on Debian")
    source = apt_sources.main_source(apt_sources.machine_sources(), codename, apt.debian_uris())
    if source is None:
        raise package.missing(f"no apt source of this machine offers Debian {codename} main")
    suite = next(suite for suite in source.suites if suite in (codename, *apt_sources.ALIASES))
    return source, f"{codename}-backports" if package.backports else suite


def real_name(package: ForeignPackage, description: str) -> str:
    """Returns the name of the package to fetch. `description` is what apt-cache shows of the package."""
    if not package.real:
        return package.name
    depends = re.findall(r"^Depends: (.*)$", description, re.MULTILINE)
    match = re.search(rf"(?<![^\s,]){package.real}(?![^\s,])", depends[0]) if depends else None
    if match is None:
        raise package.missing("the archive does not have it")
    return match[0]


def _fetch(package: ForeignPackage, name: str, options: Sequence[str], state: Path, log: Path) -> Path:
    """Downloads the package with that real name; returns the path of its file."""
    download = ["apt-get", "-q", *options, "download", f"{name}:{package.architecture}"]
    what = f"fetching {name} for {package.architecture}"
    if run_tool(what, download, log, cwd=state, env=apt.environment()) != 0:
        raise package.missing("it could not be fetched")
    files = list(state.glob(f"{name}_*.deb"))
    if len(files) != 1:
        raise package.missing("it could not be fetched")
    return files[0]


def _unpack(package: ForeignPackage, file: Path, state: Path, log: Path) -> None:
    """Unpacks what is needed of the package's file, and moves it to its place."""
    unpacked = state / "unpacked"
    unpacked.mkdir()
    if not private_apt.unpack(file, unpacked, [f"--exclude={NOT_UNPACKED}", UNPACKED], log):
        raise package.missing(f"{file.name} could not be unpacked")
    package.directory.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(package.directory, ignore_errors=True)
    unpacked.rename(package.directory)
    if not package.present():
        raise package.missing(f"{file.name} does not have them")


def provide(package: ForeignPackage) -> None:
    """Fetches and unpacks the package, unless that has been done. Raises Unavailable if it cannot be had."""
    if package.present():
        return
    source, suite = _archive(package)
    FOREIGN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apt-", dir=FOREIGN) as directory:
        state = Path(directory)
        private_apt.lay_out(
            state, apt_sources.render(source, suite, "packages that are unpacked", package.component)
        )
        options = private_apt.options(state, [package.architecture])
        log = LOGS / f"{package.directory.name}.log"
        what = f"fetching the {package.architecture} package list of {suite}"
        if run_tool(what, ["apt-get", "-q", *options, "update"], log, env=apt.environment()) != 0:
            raise package.missing(f"{suite} could not be read")
        name = real_name(package, apt.query(["apt-cache", *options, "show", package.name]))
        _unpack(package, _fetch(package, name, options, state, log), state, log)
    say(f"{package.title} is in {package.directory}")


def require(package: ForeignPackage, *, may_fetch: bool) -> None:
    """Provides the package if that is allowed. Raises Unavailable if it is not there afterwards."""
    if may_fetch:
        provide(package)
    elif not package.present():
        raise package.missing("--no-build fetches nothing")
