# SPDX-License-Identifier: BSD-2-Clause
"""Makes the page of the benchmarks: one HTML file that needs nothing else, with charts, tables, what the
numbers mean, and the results as JSON.

Texts of a log are from a wire and may be anything, so all text is escaped. The page's policy forbids it to
load anything. Without scripts it still has its tables.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

from frontdoor import mca, page_library
from frontdoor.bench_families import MEANINGS, by_family
from frontdoor.bench_log import Machine
from frontdoor.bench_rows import Row
from frontdoor.bench_table import number
from frontdoor.errors import IoFailed
from frontdoor.linux_figures import COUNTED_SOURCE, STORED, TITLES, Figures, Linux
from frontdoor.page_charts import NO_MODE, ROOTS, Chart, Column, Line, charts_of, columns_of, lines_of
from frontdoor.progress import say

TITLE = "Percival's benchmarks"
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
SMALL = {
    "cycles": "cycles",
    "cycles_minimum": "cycles at least",
    "cycles_p99": "cycles at the 99th percentile",
    "tlb_refills": "TLB refills",
    "tlb_walks": "TLB walks",
    "thrown_away": "samples thrown away",
    "total": "in all",
    "slow_paths": "slow paths",
    "tables": "tables",
    "tlbis": "TLBIs",
    "bytes": "bytes",
    "address_space": "bytes of addresses",
}


def _json(content: object) -> str:
    """Returns JSON that may stand in a script element."""
    return json.dumps(content).replace("<", "\\u003c")


def _cell(row: Row) -> str:
    small = "".join(
        f"<small>{number(row[name])} {word}</small>" for name, word in SMALL.items() if name in row
    )
    return f"{number(row['instructions'])}{small}"


def _head(column: Column) -> str:
    """Returns a column's head. Of a machine's two kinds of roots the machine need not be named."""
    return ROOTS[column.roots] if column.roots else column.title


def _table(columns: Sequence[Column], lines: Sequence[Line], linux: Linux) -> Iterator[str]:
    heads = ["benchmark", "mode", *(_head(column) for column in columns), *TITLES]
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    yield "</tr></thead><tbody>"
    for name, mode in lines:
        cells = [_cell(column.rows[name, mode]) if (name, mode) in column.rows else "-" for column in columns]
        cells += [number(figure) for figure in linux.figures.get(name, Figures())]
        breakable = escape(name).replace("_", "_<wbr>")
        yield f'<tr><th scope="row">{breakable}</th><td>{escape("" if mode == NO_MODE else mode)}</td>'
        yield "".join(f'<td class="number">{cell}</td>' for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


def _machines(machines: Sequence[Machine]) -> Iterator[str]:
    for machine in machines:
        yield f"<section><h3>{escape(machine.title)}</h3>"
        if machine.notes:
            notes = "".join(f"<li>{escape(note)}</li>" for note in machine.notes)
            yield f'<div class="notes"><p>Not all is well with these results:</p><ul>{notes}</ul></div>'
        if machine.found:
            found = escape("\n".join(machine.found))
            yield f"<details><summary>What its kernel found</summary><pre>{found}</pre></details>"
        yield f"<p>{len(machine.rows)} results.</p></section>"


def _legend(chart: Chart) -> Iterator[str]:
    yield '<ul class="legend">'
    for series in chart.series:
        faded = "; opacity: 0.5" if series.faded else ""
        swatch = f'<i style="background: var(--{series.colour}){faded}"></i>'
        yield f"<li>{swatch}{escape(series.label)}</li>"
    yield "</ul>"


def _families(columns: Sequence[Column], charts: List[Chart], linux: Linux) -> Iterator[str]:
    """Yields a section for each family, and adds its charts to `charts`."""
    names = [name for column in columns for name, _ in column.rows]
    for family, members in by_family(names):
        yield f"<section><h2>{escape(family.title)}</h2><p>{escape(family.meaning)}</p>"
        for chart in charts_of(columns, members, linux):
            scale = ", logarithmic scale" if chart.logarithmic else ""
            label = f"{family.title}: {chart.unit} per operation{scale}"
            yield f"<figure><figcaption>{escape(chart.unit)} per operation{scale}</figcaption>"
            yield from _legend(chart)
            yield f'<div class="chart"><canvas id="chart{len(charts)}" role="img"'
            yield f' aria-label="{escape(label)}"></canvas></div></figure>'
            charts.append(chart)
        yield "<details><summary>The numbers</summary>"
        yield from _table(columns, lines_of(columns, members), linux)
        yield "</details></section>"


def _meanings(linux: Linux) -> Iterator[str]:
    yield '<section><h2 id="meaning">What the numbers mean, and what they do not</h2><dl>'
    for term, meaning in MEANINGS:
        yield f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>"
    yield f"</dl><p>Linux's figures: {escape(linux.source)}. {escape(COUNTED_SOURCE)}.</p></section>"


def _estimates(estimates: mca.Estimates) -> Iterator[str]:
    heads = ("benchmark", "instructions", *mca.CPUS, "left out")
    yield "<section><h2>Estimates of cycles by llvm-mca</h2>"
    yield f"<p>{escape(mca.LIMITS)} {escape(mca.models_line(estimates))}</p>"
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col">{escape(head)}</th>' for head in heads) + "</tr></thead><tbody>"
    for row in estimates.rows:
        cells = [str(row.instructions), *(number(row.cycles.get(cpu)) for cpu in mca.CPUS)]
        yield f'<tr><th scope="row">{escape(row.name)}</th>'
        yield "".join(f'<td class="number">{cell}</td>' for cell in cells)
        yield f"<td>{escape(', '.join(row.left_out) or 'nothing')}</td></tr>"
    yield "</tbody></table></div></section>"


def _raw(machines: Sequence[Machine], estimates: Optional[mca.Estimates], linux: Linux) -> Dict[str, object]:
    """Returns what the page holds as JSON."""
    return {
        "machines": [
            {
                "title": one.title,
                "found": one.found,
                "notes": one.notes,
                "results": one.rows,
                **({"probes": one.probes} if one.probes else {}),
            }
            for one in machines
        ],
        "linux": {
            "source": f"{linux.source}. {COUNTED_SOURCE}.",
            "instructions": {name: each._asdict() for name, each in linux.figures.items()},
        },
        **({"mca": asdict(estimates)} if estimates is not None else {}),
    }


def _body(
    machines: Sequence[Machine], charts: List[Chart], estimates: Optional[mca.Estimates], linux: Linux
) -> Iterator[str]:
    columns = [column for machine in machines for column in columns_of(machine)]
    yield f"<header><h1>{TITLE}</h1>"
    yield "<p>Percival is an AArch64 kernel in which every CPU runs on its own page table. Shorter bars are "
    yield 'better. <a href="#meaning">What the numbers mean, and what they do not</a></p></header><main>'
    yield "<h2>Machines</h2>"
    yield from _machines(machines)
    yield "<noscript><p>The charts need scripts. The tables have all numbers.</p></noscript>"
    yield from _families(columns, charts, linux)
    if estimates is not None:
        yield from _estimates(estimates)
    yield from _meanings(linux)
    yield '<section><h2>The results as JSON</h2><p><a id="save" download="percival-bench.json">Save</a></p>'
    yield '<details id="raw"><summary>Show</summary><pre></pre></details></section></main>'


def html(
    machines: Sequence[Machine], estimates: Optional[mca.Estimates] = None, linux: Linux = STORED
) -> str:
    """Returns the page. page_library.provide() has been called."""
    charts: List[Chart] = []
    body = "\n".join(_body(machines, charts, estimates, linux))
    results = _json(_raw(machines, estimates, linux))
    drawn = [{**asdict(chart), "logarithmic": chart.logarithmic} for chart in charts]
    style, code = (
        (page_library.SOURCE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{TITLE}</title>\n<style>\n{style}</style>\n</head>\n<body>",
            body,
            f'<script type="application/json" id="results">{results}</script>',
            f'<script type="application/json" id="charts">{_json(drawn)}</script>',
            f"<script>{page_library.script()}</script>",
            f"<script>\n{code}</script>\n</body>\n</html>\n",
        ]
    )


def write(
    path: Path,
    machines: Sequence[Machine],
    estimates: Optional[mca.Estimates] = None,
    linux: Linux = STORED,
) -> None:
    """Writes the page. Raises IoFailed if that fails."""
    text = html(machines, estimates, linux)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise IoFailed(f"{path} cannot be written: {error.strerror}") from error
    say(f"page written to {path}")
