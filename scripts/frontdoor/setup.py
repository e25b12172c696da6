# SPDX-License-Identifier: BSD-2-Clause
"""`percival setup`: installs everything that the build and the tests need, without questions.

Only this module changes the system, and only if something is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import List, Optional, Sequence

from frontdoor import apt, apt_sources, requirements, sysroot
from frontdoor.debian import debian_codename, os_release
from frontdoor.errors import Unavailable
from frontdoor.paths import SYSROOT
from frontdoor.progress import say
from frontdoor.qemu_probe import PREFERRED, QemuVersion, installed_version, parse_package_version
from frontdoor.requirements import QEMU, Requirement

QEMU_PARTS = (QEMU.package, "qemu-system-common", "qemu-system-data")
BACKPORTS_FILE = apt_sources.ETC_APT / "sources.list.d" / "percival-backports.sources"


def qemu_is_old(version: Optional[QemuVersion]) -> bool:
    """Returns whether there is a QEMU that is older than the preferred one."""
    return version is not None and version < PREFERRED


def check() -> int:
    """`setup --check`: prints what is missing. Returns 0 if nothing is."""
    lacking = [f"{need.package} ({need.purpose})" for need in requirements.missing()]
    if not sysroot.present():
        lacking.append(f"libfdt for arm64 in {SYSROOT}")
    for what in lacking:
        print(f"missing: {what}")
    version = installed_version()
    if qemu_is_old(version):
        print(f"note: QEMU is {version}; {PREFERRED} or later is preferred: tests it cannot run are skipped")
    if not lacking:
        print("set-up is complete")
    return 1 if lacking else 0


def ensure(upgrade_qemu: bool = False) -> None:
    """Installs what is missing. With `upgrade_qemu`, also tries to replace an old QEMU by a newer one."""
    lacking = requirements.missing()
    if lacking:
        _install(lacking)
    elif upgrade_qemu and qemu_is_old(installed_version()):
        try:
            _install(lacking)
        except Unavailable as error:
            say(f"keeping QEMU {installed_version()}, which is sufficient: {error}")
    sysroot.provide()


def provide(needs: Sequence[Requirement]) -> None:
    """Installs what is missing of requirements that only some commands have. Raises Unavailable if it cannot
    be had."""
    lacking = [need for need in needs if not need.present()]
    if not lacking:
        return
    _require_debian(lacking)
    packages = [need.package for need in lacking]
    apt.update(packages)
    _install_packages(packages)
    _check_parts([need for need in lacking if not need.present()])


def setup() -> int:
    """`percival setup`."""
    ensure(upgrade_qemu=True)
    say("set-up is complete")
    return 0


def _require_debian(lacking: Sequence[Requirement]) -> Optional[str]:
    """Returns the release's name. Raises Unavailable if this is no Debian, unless nothing is lacking."""
    codename = debian_codename()
    if codename is not None and shutil.which("apt-get"):
        return codename
    if not lacking:
        return None
    needs = "".join(f"\n  {need.package} ({need.purpose})" for need in lacking)
    name = os_release().get("PRETTY_NAME", "this system")
    raise Unavailable(f"{name} is not Debian; please install what these packages contain:{needs}")


def _check_parts(missing: Sequence[Requirement]) -> None:
    """Raises Unavailable if something is missing after its package was installed."""
    if missing:
        names = " ".join(need.package for need in missing)
        raise Unavailable(f"these packages are installed, but parts of them are missing: {names}")


def _install(lacking: List[Requirement]) -> None:
    packages = [need.package for need in lacking]
    codename = _require_debian(lacking)
    if codename is None:
        return
    apt.update(packages or [QEMU.package])
    # QEMU is installed last: its backport may bring newer libraries, and the release's packages must not be
    # installed on top of those.
    _install_packages([need.package for need in lacking if need is not QEMU])
    if QEMU in lacking or qemu_is_old(installed_version()):
        _install_backported_qemu(codename)
    if not QEMU.present():
        _install_packages([QEMU.package])
    _check_parts(requirements.missing())


def _install_packages(packages: List[str]) -> None:
    count = "1 package" if len(packages) == 1 else f"{len(packages)} packages"
    if packages and apt.apt_get(f"installing {count}", [*apt.INSTALL, *packages], packages) != 0:
        raise Unavailable(f"apt-get could not install: {' '.join(packages)}")


def _install_backported_qemu(codename: str) -> None:
    """Installs QEMU from the release's backports if the release's own is old and the backports have it.
    Otherwise does nothing, and the caller installs the release's QEMU. Only called if there is no QEMU, or
    an old one."""
    plain = parse_package_version(apt.candidate(QEMU.package))
    if plain is not None and plain >= PREFERRED:
        return
    backports = f"{codename}-backports"
    offered = any(source.offers([backports]) for source in apt_sources.machine_sources())
    if not offered and not _add_backports(codename, backports):
        return
    if not apt.suite_has(QEMU.package, backports):
        if not offered:
            _remove_backports()
        say(f"{backports} has no {QEMU.package}; the release's QEMU will do")
        return
    # First tries to take only QEMU's own packages from backports. -t would take all dependencies from there
    # that it can.
    what = f"installing QEMU from {backports}"
    named = [*apt.INSTALL, *(f"{package}/{backports}" for package in QEMU_PARTS)]
    whole = [*apt.INSTALL, "-t", backports, QEMU.package]
    if apt.apt_get(what, named, [QEMU.package], show_failure=False) != 0:
        if apt.apt_get(what, whole, [QEMU.package]) != 0:
            say(f"QEMU could not be installed from {backports}; the release's QEMU will do")


def _add_backports(codename: str, backports: str) -> bool:
    """Adds the release's backports to the apt sources. Returns whether they can be used; leaves nothing
    behind if they cannot."""
    source = apt_sources.main_source(apt_sources.machine_sources(), codename, apt.debian_uris())
    if source is None:
        say(f"no apt source of this machine offers Debian {codename} main, so {backports} is not looked for")
        return False
    text = apt_sources.render(
        source, backports, f"Written by percival setup, for QEMU {PREFERRED}; may be removed."
    )
    say(f"adding {backports} to the apt sources: {BACKPORTS_FILE}")
    with tempfile.NamedTemporaryFile("w", suffix=".sources") as draft:
        draft.write(text)
        draft.flush()
        command = ["install", "-m", "644", draft.name, str(BACKPORTS_FILE)]
        subprocess.run(apt.as_root(command, [QEMU.package]), check=True)
    if apt.update_only(BACKPORTS_FILE, [QEMU.package]) and apt.suite_has(QEMU.package, backports):
        return True
    _remove_backports()
    say(f"{backports} is not available and was removed from the apt sources; the release's QEMU will do")
    return False


def _remove_backports() -> None:
    if BACKPORTS_FILE.exists():
        subprocess.run(apt.as_root(["rm", "-f", os.fspath(BACKPORTS_FILE)], [QEMU.package]), check=True)
