# SPDX-License-Identifier: BSD-2-Clause
"""Builds a CMake preset: configures it if necessary, then runs Ninja."""

from __future__ import annotations

import contextlib
import fcntl
import json
from typing import Iterator, List

from frontdoor.errors import BuildFailed, UsageError
from frontdoor.paths import BUILD, LOGS, ROOT, build_dir, image
from frontdoor.progress import run_tool, say

DEFAULT_PRESET = "4k-48"
HOST_PRESET = "host"
PRESETS_FILE = ROOT / "CMakePresets.json"
CONFIGURED = ".configured"


def presets() -> List[str]:
    """Returns the visible presets of the tree, in the order of CMakePresets.json."""
    try:
        entries = json.loads(PRESETS_FILE.read_text())["configurePresets"]
    except (OSError, ValueError, KeyError) as error:
        raise BuildFailed(f"{PRESETS_FILE} cannot be read: {error}") from error
    return [entry["name"] for entry in entries if not entry.get("hidden", False)]


def check_kernel_preset(preset: str) -> None:
    """Raises UsageError if the preset does not exist or builds no kernel."""
    kernels = [name for name in presets() if name != HOST_PRESET]
    if preset not in kernels:
        raise UsageError(f"there is no kernel preset '{preset}'; there are: {', '.join(kernels)}")


@contextlib.contextmanager
def _locked(preset: str) -> Iterator[None]:
    """Allows one build of a preset at a time; a second front door waits for the first."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f".{preset}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build of {preset}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _configured(preset: str) -> bool:
    """Returns whether the last configuration is up to date. Ninja itself watches all files except the
    presets."""
    stamp = build_dir(preset) / CONFIGURED
    built = (build_dir(preset) / "build.ninja").is_file() and stamp.is_file()
    return built and stamp.stat().st_mtime >= PRESETS_FILE.stat().st_mtime


def build(preset: str) -> None:
    """Brings build/<preset> up to date. On failure shows the output and raises BuildFailed."""
    with _locked(preset):
        if not _configured(preset):
            command = ["cmake", "--preset", preset]
            if run_tool(f"configuring {preset}", command, LOGS / f"configure-{preset}.log", cwd=ROOT) != 0:
                raise BuildFailed(f"preset {preset} could not be configured")
            (build_dir(preset) / CONFIGURED).touch()
        command = ["cmake", "--build", str(build_dir(preset))]
        if run_tool(f"building {preset}", command, LOGS / f"build-{preset}.log", cwd=ROOT) != 0:
            raise BuildFailed(f"preset {preset} could not be built")


def check_image(preset: str) -> None:
    """Raises BuildFailed if there is no kernel to boot."""
    if not image(preset).is_file():
        raise BuildFailed(f"{image(preset)} is not there; build it first (leave --no-build away)")
