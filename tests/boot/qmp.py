# SPDX-License-Identifier: BSD-2-Clause
"""A client of QEMU's machine protocol, QMP (docs/interop/qmp-spec.rst of QEMU): a line of JSON for each
command and for each answer, on a socket."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

VIRTIO_MEM = "/machine/peripheral/virtio-mem"  # the device that `percival boot --virtio-mem` adds


class QmpError(Exception):
    """QEMU refused a command."""


class Qmp:
    """A connection to a running QEMU. It is opened at the first command, because the socket appears when QEMU
    does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: Optional[socket.socket] = None
        self._received = b""

    @property
    def qemu(self) -> Tuple[str, ...]:
        """The arguments by which QEMU listens."""
        return ("-qmp", f"unix:{self._path},server=on,wait=off")

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()

    def request_memory(self, size: int) -> None:
        """Asks the virtio-mem device for that many bytes of memory."""
        self._command("qom-set", {"path": VIRTIO_MEM, "property": "requested-size", "value": size})

    def _command(self, name: str, arguments: Optional[Dict[str, Any]] = None) -> Any:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(str(self._path))
            self._message()  # the greeting
            self._command("qmp_capabilities")
        self._socket.sendall(json.dumps({"execute": name, "arguments": arguments or {}}).encode() + b"\n")
        while True:
            message = self._message()
            if "error" in message:
                raise QmpError(f"{name}: {message['error'].get('desc')}")
            if "return" in message:
                return message["return"]

    def _message(self) -> Dict[str, Any]:
        """Returns the next line, an answer or an event."""
        assert self._socket is not None
        while b"\n" not in self._received:
            part = self._socket.recv(4096)
            if not part:
                raise QmpError("QEMU has closed the connection")
            self._received += part
        line, self._received = self._received.split(b"\n", 1)
        message: Dict[str, Any] = json.loads(line)
        return message


class Resizer:
    """Asks for a size of memory each time a line of the console matches the size's pattern. `sizes` are pairs
    of a pattern and a size in MiB. After an error of QEMU nothing more is asked; `problems` has it."""

    def __init__(self, qmp: Qmp, sizes: Tuple[Tuple[str, int], ...]) -> None:
        self._qmp = qmp
        self._sizes = sizes
        self.problems: List[str] = []

    def observe(self, line: str) -> None:
        """Looks at a line of the console."""
        for pattern, mebibytes in self._sizes:
            if re.search(pattern, line) and not self.problems:
                try:
                    self._qmp.request_memory(mebibytes << 20)
                except (OSError, QmpError) as error:
                    self.problems.append(f"QEMU does not resize: {error}")
