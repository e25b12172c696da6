# SPDX-License-Identifier: BSD-2-Clause
"""`percival image`: makes what a user writes to a card, puts on a TFTP server, or copies to a board.

It makes a directory with the files of the card, disk or server, an image of the card or disk, and an archive
with the kernel, its symbols and a README; for UEFI also the image of a CD-ROM. Each of them appears whole or
not at all.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from frontdoor import (
    archive,
    build,
    disk_image,
    fat,
    foreign_packages,
    grub,
    image_boards,
    raspberry_pi,
    setup,
    u_boot_files,
    uefi_media,
)
from frontdoor.disk_image import PARTITION_AT
from frontdoor.errors import UsageError
from frontdoor.fat import Content
from frontdoor.foreign_packages import ForeignPackage
from frontdoor.image_boards import (
    ImageBoard,
    NetworkBoard,
    RaspberryPi,
    UBootBoard,
    UefiBoard,
    image_board,
)
from frontdoor.paths import BUILD, KERNEL_NAME, build_dir, elf, image
from frontdoor.progress import say
from frontdoor.source_date import source_date
from frontdoor.u_boot_files import EXTLINUX_NAME, LOAD_BY_NETWORK, LOAD_FROM_DISK, SCRIPT_NAME

# The names of a configuration that U-Boot asks a server for last.
PXE_NAMES = ("pxelinux.cfg/default", "pxelinux.cfg/default-arm")


@dataclass(frozen=True)
class Order:
    """What to make. `append` are boot arguments. `out` is the directory of the results; without one, it is
    below build/. `firmware` is a directory with the files of a Raspberry Pi's firmware, and `u_boot` a file
    with the board's U-Boot. `uart` names the UART of a Raspberry Pi that is the console."""

    board_name: str
    preset: str = build.DEFAULT_PRESET
    append: Tuple[str, ...] = ()
    out: Optional[Path] = None
    firmware: Optional[Path] = None
    u_boot: Optional[Path] = None
    uart: Optional[str] = None

    @property
    def board(self) -> ImageBoard:
        """The board, from the table. Raises UsageError if it has none of that name."""
        return image_board(self.board_name)

    @property
    def directory(self) -> Path:
        """Where the results go."""
        return BUILD / "images" / self.board_name if self.out is None else self.out

    @property
    def arguments(self) -> str:
        """The kernel's boot arguments. They say how the run ends: a board has no semihosting. UEFI firmware
        can give none, so without any from the user there are none: then the kernel turns the machine off by
        default."""
        words = " ".join(self.append).split()
        if isinstance(self.board, UefiBoard) and not words:
            return ""
        if not any(word.startswith("verdict=") for word in words):
            words.append("verdict=poweroff")
        return " ".join(words)

    @property
    def packages(self) -> Tuple[ForeignPackage, ...]:
        """Debian's packages that files are taken from."""
        is_complete = self.firmware is not None or (isinstance(self.board, UefiBoard) and not self.arguments)
        return () if is_complete else image_boards.packages_of(self.board_name)


def check(order: Order) -> None:
    """Raises UsageError if the order cannot be carried out for any reason that its arguments show."""
    build.check_kernel_preset(order.preset)
    source_date()
    board = order.board
    if isinstance(board, UefiBoard):
        grub.check(order.arguments)
    else:
        u_boot_files.check(order.arguments)
    if isinstance(board, RaspberryPi):
        raspberry_pi.uart_of(board, order.uart)
        if order.firmware is not None:
            raspberry_pi.source(board, order.firmware)
    elif order.firmware is not None or order.uart is not None:
        raise UsageError(f"--firmware and --uart are for Raspberry Pis, not for {order.board_name}")
    if order.u_boot is not None:
        if not isinstance(board, UBootBoard) or board.place is None:
            raise UsageError(f"--u-boot: it is not known where {order.board_name} looks for U-Boot on a card")
        if not order.u_boot.is_file():
            raise UsageError(f"--u-boot: there is no file {order.u_boot}")
        if isinstance(board.place, int) and order.u_boot.stat().st_size > PARTITION_AT - board.place:
            raise UsageError(f"--u-boot: {order.u_boot} does not fit before the partition")
    if order.directory.exists() and not order.directory.is_dir():
        raise UsageError(f"--out: {order.directory} is not a directory")


def _script(order: Order, load: str) -> bytes:
    """Returns a script that boots the kernel. If that fails, U-Boot's prompt comes back, with its message."""
    return u_boot_files.script_image(*u_boot_files.booting(order.arguments, load + KERNEL_NAME))


def files(order: Order) -> Dict[str, Content]:
    """Returns the files of the card, or of the server, by their paths."""
    kernel, board = image(order.preset), order.board
    if isinstance(board, RaspberryPi):
        found = raspberry_pi.source(board, order.firmware)
        uart = raspberry_pi.uart_of(board, order.uart)
        return {
            **raspberry_pi.files(board, uart, kernel, order.arguments, found),
            EXTLINUX_NAME: u_boot_files.extlinux(order.arguments, f"/{board.kernel}"),
        }
    if isinstance(board, UefiBoard):
        return uefi_media.files(kernel, order.arguments)
    if isinstance(board, NetworkBoard):
        configuration = u_boot_files.extlinux(order.arguments, KERNEL_NAME)
        return {
            KERNEL_NAME: kernel,
            SCRIPT_NAME: _script(order, LOAD_BY_NETWORK),
            **{name: configuration for name in PXE_NAMES},
        }
    loader = {board.place: order.u_boot} if order.u_boot and isinstance(board.place, str) else {}
    return {
        KERNEL_NAME: kernel,
        EXTLINUX_NAME: u_boot_files.extlinux(order.arguments),
        SCRIPT_NAME: _script(order, LOAD_FROM_DISK),
        **loader,
    }


def _how_to_start(order: Order) -> str:
    """Returns what a user types to start the kernel by hand."""
    if isinstance(order.board, UefiBoard):
        return uefi_media.how_to_start(order.arguments)
    typed = "\n".join(
        f"    {line}"
        for line in (
            f"setenv bootargs {order.arguments}",
            "load mmc 0:1 ${kernel_addr_r} Image        (from a FAT or ext4 partition)",
            "tftpboot ${kernel_addr_r} Image            (or from a TFTP server)",
            "booti ${kernel_addr_r} - ${fdtcontroladdr}",
        )
    )
    return f"""At U-Boot's prompt:

{typed}

On boards whose firmware gives U-Boot the tree, such as a Raspberry Pi, the tree is at ${{fdt_addr}}. Nothing
else is needed: the kernel takes the board's own tree.
"""


def _readme(order: Order, *, has_boot_files: bool) -> bytes:
    """Returns the text that tells the user of the archive what to do with it."""
    board = order.board
    kernel = f"Image as {board.kernel}" if isinstance(board, RaspberryPi) else "Image"
    boot_files = (
        f"boot/           the small files of the card, disk or TFTP server, which lie beside {kernel}\n"
        if has_boot_files
        else ""
    )
    return f"""Percival for {order.board_name}: {board.title}

Image           the kernel, in the format of the arm64 boot protocol, and a UEFI application
percival.elf    the same with symbols, for gdb
percival.map    the addresses of its symbols
{boot_files}SHA256SUMS      for sha256sum --check

{_how_to_start(order)}
The last line on the serial console is the verdict, such as

    percival: verdict: passed
""".encode()


def _archived(order: Order, card: Mapping[str, Content]) -> Dict[str, bytes]:
    """Returns the files of the archive. What others wrote stays out."""
    ours = {f"boot/{name}": data for name, data in card.items() if isinstance(data, bytes)}
    kernel: Dict[str, Content] = {
        KERNEL_NAME: image(order.preset),
        "percival.elf": elf(order.preset),
        "percival.map": build_dir(order.preset) / "percival.map",
        "README.txt": _readme(order, has_boot_files=bool(ours)),
    }
    return fat.read({**kernel, **ours})


def _write_directory(directory: Path, contents: Mapping[str, bytes]) -> None:
    for name, data in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _write_u_boot(card: Path, order: Order) -> None:
    """Writes U-Boot into the image of the card, if it belongs before the partition."""
    if order.u_boot and isinstance(order.board, UBootBoard) and isinstance(order.board.place, int):
        with card.open("r+b") as file:
            file.seek(order.board.place)
            file.write(order.u_boot.read_bytes())


def _directory_name(board: ImageBoard) -> str:
    if isinstance(board, NetworkBoard):
        return "tftp"
    return "esp" if isinstance(board, UefiBoard) else "card"


def _make_images(directory: Path, order: Order, content: Mapping[str, Content]) -> None:
    """Makes the images of what the board boots from; there is none for a board that boots by network."""
    image_of_card = directory / f"{order.board_name}.img"
    if isinstance(order.board, UefiBoard):
        disk_image.make_with_gpt(image_of_card, content)
        uefi_media.make_iso(directory / f"{order.board_name}.iso", content)
    elif not isinstance(order.board, NetworkBoard):
        disk_image.make(image_of_card, content)
        _write_u_boot(image_of_card, order)


def _publish(draft: Path, result: Path, old: Path) -> None:
    """Moves the draft to its place. A directory cannot take the place of another one, which is moved away
    first."""
    if result.is_dir():
        result.rename(old)
    draft.replace(result)


def make(order: Order) -> None:
    """Makes the results from a finished build. Raises UsageError if a file cannot be read or written."""
    card = files(order)
    try:
        order.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=order.directory) as name:
            drafts, old = Path(name) / "new", Path(name) / "old"
            drafts.mkdir()
            old.mkdir()
            _write_directory(drafts / _directory_name(order.board), fat.read(card))
            _make_images(drafts, order, card)
            title = f"percival-{order.board_name}"
            archive.make(drafts / f"{title}.tar.gz", title, _archived(order, card))
            for draft in sorted(drafts.iterdir()):
                _publish(draft, order.directory / draft.name, old / draft.name)
                say(f"made {order.directory / draft.name}")
    except OSError as error:
        raise UsageError(f"{error.filename or order.directory}: {error.strerror}") from error


def make_image(order: Order, *, may_build: bool) -> int:
    """Runs the command and returns its exit code."""
    check(order)
    board = order.board
    if may_build:
        setup.ensure()
    for package in order.packages:
        foreign_packages.require(package, may_fetch=may_build)
    if may_build:
        build.build(order.preset)
    build.check_image(order.preset)
    make(order)
    if isinstance(board, UBootBoard) and board.place is not None and order.u_boot is None:
        say("the card has no U-Boot of its own: give --u-boot FILE, unless there is one on the board")
    return 0
