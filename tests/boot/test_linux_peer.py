# SPDX-License-Identifier: BSD-2-Clause
"""Measures Linux with `percival bench --linux`: fetches Debian's arm64 kernels if they are not there. Skipped
where they cannot be had.
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from frontdoor.linux_figures import STORED, STORED_DATE  # noqa: E402  (the path has to be set first)
from frontdoor.testing import skip_all  # noqa: E402

PERCIVAL = ROOT / "percival"


MEASURED: List[Dict[str, Any]] = []


def setUpModule() -> None:
    """Measures both kernels. Skips all if there is no Linux."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out.json"
        done = subprocess.run(
            [str(PERCIVAL), "bench", "--linux", "--cpus", "1", "--json", str(out), "this_cpu_*", "vm*"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        if f"stored on {STORED_DATE}" in done.stderr:
            skip_all(done.stderr.strip())
        MEASURED.extend(json.loads(out.read_text())["results"])


class LinuxTest(unittest.TestCase):
    def test_both_kernels_measure_about_what_is_stored_and_a_guard_costs(self) -> None:
        by_system: Dict[str, Dict[str, float]] = {}
        for row in MEASURED:
            if "system" in row:
                by_system.setdefault(row["system"], {})[row["name"]] = row["instructions"]
        voluntary, preemptible = (
            by_system[name] for name in sorted(by_system, key=lambda one: "-rt-" in one)
        )
        for operation in ("add", "read", "write", "inc_return", "and", "or", "xchg", "cmpxchg"):
            guarded, plain = preemptible[f"this_cpu_{operation}"], voluntary[f"this_cpu_{operation}"]
            self.assertGreaterEqual(guarded, plain + 9, operation)
            self.assertEqual(plain, int(plain), operation)
        for name in ("vmalloc_vfree_1p", "vmalloc_vfree_16p", "vmalloc_vfree_1MiB", "vmap_vunmap_16p"):
            for kind, figures in (("preemptible", preemptible), ("voluntary", voluntary)):
                stored = float(getattr(STORED.figures[name], kind))
                self.assertTrue(stored / 2 < figures[name] < stored * 2, (name, kind, figures[name], stored))
            self.assertGreater(figures[f"{name}_deferred"], 0)


if __name__ == "__main__":
    unittest.main()
