# SPDX-License-Identifier: BSD-2-Clause
"""Reads the machine's apt sources and derives a new source from one of them.

No mirror is named in this tree. Backports and arm64 packages come from the mirror from which the machine gets
Debian, and are trusted by the same key. Both forms of sources.list(5) are read: one-line and deb822.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

ETC_APT = Path("/etc/apt")
DISABLED = ("no", "false", "without", "off", "disable", "0")
ALIASES = ("stable", "oldstable", "testing")

# Options that say why apt trusts the archive. A source that is derived from another one needs them too.
TRUST_OPTIONS = (
    "Signed-By",
    "Trusted",
    "Allow-Insecure",
    "Check-Valid-Until",
    "Valid-Until-Min",
    "Valid-Until-Max",
    "Check-Date",
    "Date-Max-Future",
)
ONE_LINE_NAMES = {name.lower(): name for name in TRUST_OPTIONS}
ONE_LINE = re.compile(r"^\s*(?P<type>deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>\S.*)$")


@dataclass(frozen=True)
class Source:
    """One entry. `options` has only the trust options, with values as written (a key may span several
    lines)."""

    uris: Tuple[str, ...]
    suites: Tuple[str, ...]
    components: Tuple[str, ...]
    options: Dict[str, str] = field(default_factory=dict)

    def offers(self, suites: Sequence[str]) -> bool:
        """Returns whether binary packages of `main` come from one of these suites."""
        return "main" in self.components and any(suite in suites for suite in self.suites)


def parse_one_line(text: str) -> List[Source]:
    """Returns the enabled binary sources of a sources.list file."""
    sources = []
    for line in text.splitlines():
        match = ONE_LINE.match(line.split("#", 1)[0])
        if not match or match["type"] != "deb":
            continue
        words = match["rest"].split()
        if len(words) < 2 or words[0].startswith("cdrom:"):
            continue
        pairs = (option.partition("=") for option in (match["options"] or "").split())
        options = {ONE_LINE_NAMES[k.lower()]: v for k, eq, v in pairs if eq and k.lower() in ONE_LINE_NAMES}
        sources.append(Source((words[0],), (words[1],), tuple(words[2:]), options))
    return sources


def _stanzas(text: str) -> Iterable[Dict[str, str]]:
    """Yields the paragraphs of a deb822 file, without comments. Continuation lines stay as they are; field
    names are in lower case."""
    fields: Dict[str, str] = {}
    name: Optional[str] = None
    for line in text.splitlines() + [""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, None
        elif line[0] in " \t":
            if name is not None:
                fields[name] += "\n" + line
        else:
            key, _, value = line.partition(":")
            name = key.strip().lower()
            fields[name] = value.strip()


def parse_deb822(text: str) -> List[Source]:
    """Returns the enabled binary sources of a .sources file."""
    sources = []
    for fields in _stanzas(text):
        uris = tuple(uri for uri in fields.get("uris", "").split() if not uri.startswith("cdrom:"))
        if "deb" not in fields.get("types", "").split() or not uris:
            continue
        if fields.get("enabled", "yes").lower() in DISABLED:
            continue
        options = {name: fields[name.lower()] for name in TRUST_OPTIONS if name.lower() in fields}
        suites, components = fields.get("suites", "").split(), fields.get("components", "").split()
        sources.append(Source(uris, tuple(suites), tuple(components), options))
    return sources


def machine_sources(etc_apt: Path = ETC_APT) -> List[Source]:
    """Returns all enabled binary sources of this machine."""
    parts = etc_apt / "sources.list.d"
    sources: List[Source] = []
    for path in [etc_apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]:
        if path.is_file():
            text = path.read_text(errors="replace")
            sources += parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text)
    return sources


def main_source(
    sources: Sequence[Source], codename: str, debian_uris: Sequence[str] = ()
) -> Optional[Source]:
    """Returns the source of the release itself. Other archives may use its codename too, so an archive
    that calls itself Debian (`debian_uris`, from apt's own index) goes first. An alias of the release goes
    last."""
    known = {uri.rstrip("/") for uri in debian_uris}
    named = [source for source in sources if source.offers([codename])]
    aliased = [source for source in sources if source.offers(ALIASES)]
    for source in named + aliased:
        uris = tuple(uri for uri in source.uris if uri.rstrip("/") in known)
        if uris:
            return Source(uris, source.suites, source.components, source.options)
    return next(iter(named + aliased), None)


def release_sources(
    sources: Sequence[Source], codename: str, debian_uris: Sequence[str] = ()
) -> List[Source]:
    """Returns the sources of the release and of what is added to it, such as security and backports, with
    these suites only. Archives that do not call themselves Debian are left out, if any does."""
    known = {uri.rstrip("/") for uri in debian_uris}
    found = []
    for source in sources:
        suites = tuple(suite for suite in source.suites if suite.startswith((codename, *ALIASES)))
        uris = tuple(uri for uri in source.uris if not known or uri.rstrip("/") in known)
        if "main" in source.components and suites and uris:
            found.append(Source(uris, suites, source.components, source.options))
    return found


def render(source: Source, suite: str, comment: str, component: str = "main") -> str:
    """Returns the text of a .sources file that takes `component` of `suite` from the archive of `source`."""
    lines = [
        f"# {comment}",
        "Types: deb",
        f"URIs: {' '.join(source.uris)}",
        f"Suites: {suite}",
        f"Components: {component}",
    ]
    lines += [f"{name}: {value}" for name, value in source.options.items()]
    return "\n".join(lines) + "\n"
