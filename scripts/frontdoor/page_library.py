# SPDX-License-Identifier: BSD-2-Clause
"""The library that draws a page's charts: Chart.js, from the npm registry.

scripts/frontdoor/page/package-lock.json pins it with the checksum of each package, which npm checks. It is
fetched when a page is first asked for, and again when the lockfile has changed; a page has a copy of it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from frontdoor import setup
from frontdoor.errors import Unavailable
from frontdoor.paths import BUILD, LOGS, ROOT
from frontdoor.progress import run_tool
from frontdoor.requirements import Requirement

SOURCE = ROOT / "scripts" / "frontdoor" / "page"
LOCK = "package-lock.json"
INSTALLED = BUILD / "page"
SCRIPT = Path("node_modules", "chart.js", "dist", "chart.umd.min.js")
NEEDS = (
    Requirement("nodejs", "npm", ("node",)),
    Requirement("npm", "the library of a page's charts", ("npm",)),
)
# npm ci installs what the lockfile says or nothing. The time limits end it soon where there is no network.
NPM = (
    *("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"),
    *("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"),
)


def _is_installed() -> bool:
    lock = INSTALLED / LOCK
    return (
        lock.is_file()
        and (INSTALLED / SCRIPT).is_file()
        and lock.read_bytes() == (SOURCE / LOCK).read_bytes()
    )


def _why(log: Path) -> str:
    """Returns npm's code of its failure in brackets, if it gives one."""
    match = (
        re.search(r"npm (?:ERR!|error) code (\w+)", log.read_text(errors="replace"))
        if log.is_file()
        else None
    )
    return f" ({match[1]})" if match else ""


def _install() -> None:
    """Installs into a directory of its own first, so that an interrupted run leaves no half."""
    log = LOGS / "npm.log"
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=".page-") as name:
        draft = Path(name) / "page"
        draft.mkdir()
        for file in ("package.json", LOCK):
            shutil.copy(SOURCE / file, draft)
        if run_tool("fetching the charts' library", NPM, log, cwd=draft, show_failure=False) != 0:
            raise Unavailable(
                f"the charts' library could not be fetched from the npm registry{_why(log)}: "
                f"a page needs the network once. npm's messages are in {log}"
            )
        if not (draft / SCRIPT).is_file():
            raise Unavailable(f"npm has installed the charts' library, but {SCRIPT} is missing")
        shutil.rmtree(INSTALLED, ignore_errors=True)
        os.replace(draft, INSTALLED)


def provide(*, may_fetch: bool) -> None:
    """Installs the library if it is not there as the lockfile has it. Raises Unavailable if it cannot be
    had, or may not be fetched."""
    if _is_installed():
        return
    if not may_fetch:
        raise Unavailable("the charts' library is not there: leave --no-build away once to fetch it")
    setup.provide(NEEDS)
    _install()


def script() -> str:
    """Returns the text of the library, which provide() has installed, as it may stand in a page."""
    text = (INSTALLED / SCRIPT).read_text(encoding="utf-8")
    # The map is no part of the page.
    text = re.sub(r"(?m)^//# sourceMappingURL=.*$", "", text)
    if "</script" in text.lower() or "<!--" in text:
        raise Unavailable(f"{INSTALLED / SCRIPT} cannot stand in a page")
    return text
