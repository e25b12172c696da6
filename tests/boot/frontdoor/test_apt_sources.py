# SPDX-License-Identifier: BSD-2-Clause
"""Tests that backports come from the machine's own Debian mirror, in either form of its sources."""

import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401
from frontdoor.apt_sources import Source, machine_sources, main_source, parse_deb822, parse_one_line, render
from frontdoor.debian import debian_codename

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

DEB822 = f"""\
# A comment, and fields in any case
Types: deb deb-src
URIs: http://mirror.invalid/debian
suites: bookworm bookworm-updates
# in the middle, too
Components: main
  contrib
Architectures: amd64
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main
"""

EMBEDDED_KEY = """\
Types: deb
URIs: https://mirror.invalid/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0srwuhlB6JKFkcf4HU4SSS/xcRfwEQWzr
 -----END PGP PUBLIC KEY BLOCK-----
"""


class OneLineTest(unittest.TestCase):
    def test_a_bare_line_is_a_source(self) -> None:
        sources = parse_one_line("deb http://mirror.invalid/debian bookworm main\n")
        self.assertEqual(sources, [Source(("http://mirror.invalid/debian",), ("bookworm",), ("main",))])

    def test_trust_options_are_kept_and_others_are_not(self) -> None:
        options = f"arch=amd64 signed-by={KEYRING} check-valid-until=no lang=en"
        line = f"deb [{options}] http://mirror.invalid/debian bookworm main"
        self.assertEqual(parse_one_line(line)[0].options, {"Signed-By": KEYRING, "Check-Valid-Until": "no"})

    def test_comments_source_packages_and_discs_are_ignored(self) -> None:
        text = (
            "# deb http://mirror.invalid/debian bookworm main\n"
            "deb-src http://mirror.invalid/debian bookworm main\n"
            "deb cdrom:[Debian GNU/Linux 12.0.0 _Bookworm_ - Official amd64 NETINST]/ bookworm main\n"
            "\n"
            "   deb http://mirror.invalid/debian bookworm main contrib # with a remark\n"
            "deb\n"
        )
        self.assertEqual(
            parse_one_line(text),
            [Source(("http://mirror.invalid/debian",), ("bookworm",), ("main", "contrib"))],
        )


class Deb822Test(unittest.TestCase):
    def test_stanzas_comments_continuations_and_any_case_are_read(self) -> None:
        first, second = parse_deb822(DEB822)
        self.assertEqual(first.suites, ("bookworm", "bookworm-updates"))
        self.assertEqual(first.components, ("main", "contrib"))
        self.assertEqual(first.options, {"Signed-By": KEYRING})
        self.assertEqual(second.suites, ("bookworm-security",))

    def test_disabled_sources_and_source_packages_are_ignored(self) -> None:
        for extra in ("Enabled: no", "enabled: False"):
            self.assertEqual(parse_deb822(EMBEDDED_KEY.replace("Components", f"{extra}\nComponents")), [])
        self.assertEqual(parse_deb822(EMBEDDED_KEY.replace("Types: deb", "Types: deb-src")), [])

    def test_an_embedded_key_survives_into_the_derived_source(self) -> None:
        source = parse_deb822(EMBEDDED_KEY)[0]
        again = parse_deb822(render(source, "bookworm-backports", "made by a test"))[0]
        self.assertEqual(again.options, source.options)
        self.assertEqual(again.suites, ("bookworm-backports",))
        self.assertEqual(again.components, ("main",))
        self.assertIn("\n .\n", render(source, "bookworm-backports", "made by a test"))


class DerivationTest(unittest.TestCase):
    def test_the_release_is_found_among_its_other_suites(self) -> None:
        source = main_source(parse_deb822(DEB822)[::-1], "bookworm")
        assert source is not None
        self.assertEqual(source.uris, ("http://mirror.invalid/debian",))

    def test_a_source_without_main_is_not_used(self) -> None:
        self.assertIsNone(
            main_source(parse_one_line("deb http://mirror.invalid/debian bookworm contrib"), "bookworm")
        )

    def test_a_source_of_another_release_is_not_used(self) -> None:
        self.assertIsNone(
            main_source(parse_one_line("deb http://mirror.invalid/debian trixie main"), "bookworm")
        )

    def test_an_alias_of_the_release_is_used_if_no_source_has_its_codename(self) -> None:
        sources = parse_one_line("deb http://alias.invalid/debian stable main")
        self.assertEqual(main_source(sources, "bookworm"), sources[0])
        named = parse_one_line("deb http://named.invalid/debian bookworm main")
        self.assertEqual(main_source(sources + named, "bookworm"), named[0])

    def test_a_third_party_archive_with_the_codename_is_not_used(self) -> None:
        text = (
            "deb https://tools.invalid/apt bookworm main\ndeb http://mirror.invalid/debian/ bookworm main\n"
        )
        source = main_source(parse_one_line(text), "bookworm", ["http://mirror.invalid/debian"])
        assert source is not None
        self.assertEqual(source.uris, ("http://mirror.invalid/debian/",))

    def test_offered_backports_are_recognised(self) -> None:
        backports = ["bookworm-backports"]
        self.assertFalse(any(source.offers(backports) for source in parse_deb822(DEB822)))
        offered = parse_one_line("deb http://mirror.invalid/debian bookworm-backports main")
        self.assertTrue(offered[0].offers(backports))
        without_main = parse_one_line("deb http://mirror.invalid/debian bookworm-backports non-free")
        self.assertFalse(without_main[0].offers(backports))

    def test_both_forms_are_read_from_their_files(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            etc = Path(name)
            self.assertEqual(machine_sources(etc), [])
            (etc / "sources.list.d").mkdir()
            (etc / "sources.list").write_text("deb http://one.invalid/debian bookworm main\n")
            (etc / "sources.list.d" / "a.list").write_text("deb http://two.invalid/debian bookworm main\n")
            (etc / "sources.list.d" / "b.sources").write_text(DEB822)
            (etc / "sources.list.d" / "c.sources.disabled").write_text(DEB822)
            uris = [source.uris[0].split("/")[2] for source in machine_sources(etc)]
        self.assertEqual(uris, ["one.invalid", "two.invalid", "mirror.invalid", "mirror.invalid"])


class CodenameTest(unittest.TestCase):
    def codename(self, text: str) -> "str | None":
        with tempfile.NamedTemporaryFile("w", suffix="-os-release") as file:
            file.write(text)
            file.flush()
            return debian_codename(Path(file.name))

    def test_only_debian_itself_has_a_codename(self) -> None:
        self.assertEqual(self.codename('ID=debian\nVERSION_CODENAME="bookworm"\n'), "bookworm")
        self.assertIsNone(self.codename("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n"))
        self.assertIsNone(debian_codename(Path("/nonexistent")))


if __name__ == "__main__":
    unittest.main()
