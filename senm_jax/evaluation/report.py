"""A report: sections of text, tables and pictures, written as HTML, Markdown and JSON.

The HTML file is whole in itself: pictures stand in it as data. The Markdown holds text and tables,
the JSON the tables' values unrounded and each section's ``data``. Sections of several evaluations
can be put into one report.
"""

import base64
import html
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from senm_jax.data import files


class Column(NamedTuple):
    """One column of a table."""

    key: str
    """Where its value lies in a row."""
    label: str
    spec: str = ""
    """Python's format of its numbers."""
    ideal: float | int | None = None
    """0 where less is better, infinity where more is, 1 for a ratio; the nearest is set in bold."""


class Table(NamedTuple):
    """Rows of values by column key; a missing value is left blank."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]


class Figure(NamedTuple):
    """A grid of pictures: one line for each of ``rows``, under the names of its columns."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    """HTML, as `picture` and the functions of `senm_jax.evaluation.drawings` make it."""


class Section(NamedTuple):
    """A part of a report."""

    title: str
    text: Sequence[str] = ()
    """Paragraphs."""
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    data: Mapping[str, Any] = {}
    """What else the JSON holds: plain values, NumPy arrays and numbers."""


def write(
    path: str | pathlib.Path, title: str, sections: Sequence[Section]
) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
    """Writes the report to ``path`` (.html) and beside it as .md and .json; returns all three.

    Each file appears whole or not at all; older ones of the same names are replaced.

    Raises:
        ValueError: the path does not end in .html.
    """
    path = pathlib.Path(path)
    if path.suffix != ".html":
        raise ValueError(f"report: expected a path that ends in .html, got {str(path)!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = {".html": to_html, ".md": to_markdown, ".json": to_json}
    paths = tuple(path.with_suffix(suffix) for suffix in contents)
    for target, content in zip(paths, contents.values(), strict=True):
        files.replace(target, content(title, sections).encode(errors="backslashreplace"))
    return paths


def picture(image: UInt8[np.ndarray, "h w 3"], scale: int = 1) -> str:
    """An HTML image that holds the RGB pixels as PNG, each shown as ``scale`` squared."""
    height, width = image.shape[:2]
    size = f'width="{width * scale}" height="{height * scale}"'
    return f'<img alt="" {size} src="{data(image)}">'


def data(image: UInt8[np.ndarray, "h w 3"]) -> str:
    """The address of an image that holds the RGB pixels as PNG."""
    _, png = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"


def to_json(title: str, sections: Sequence[Section]) -> str:
    """The report's values; a number that is not finite is the string "nan", "inf" or "-inf"."""
    content = {
        "title": title,
        "sections": [
            {
                "title": section.title,
                "text": list(section.text),
                "tables": [
                    {
                        "title": table.title,
                        "columns": {column.key: column.label for column in table.columns},
                        "rows": [dict(row) for row in table.rows],
                    }
                    for table in section.tables
                ],
                "data": dict(section.data),
            }
            for section in sections
        ],
    }
    return json.dumps(_plain(content), indent=1, allow_nan=False) + "\n"


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The report's text and tables."""
    parts = [f"# {title}"]
    for section in sections:
        parts += [f"## {section.title}", *section.text]
        for table in section.tables:
            parts += [f"**{table.title}**"] if table.title else []
            parts.append(table_markdown(table))
    return "\n\n".join(parts) + "\n"


def table_markdown(table: Table) -> str:
    """The table alone."""
    lines = [[_header(column) for column in table.columns]]
    lines.append(["---" if not column.spec else "---:" for column in table.columns])
    for cells in _cells(table):
        lines.append([f"**{text}**" if best else text for text, best in cells])
    return "\n".join("| " + " | ".join(line).replace("\n", " ") + " |" for line in lines)


def to_html(title: str, sections: Sequence[Section]) -> str:
    """The report as one page."""
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
    ]
    for section in sections:
        parts.append(f"<section><h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(paragraph)}</p>" for paragraph in section.text]
        parts += [_table_html(table) for table in section.tables]
        parts += [_figure_html(figure) for figure in section.figures]
        parts.append("</section>")
    return "\n".join([*parts, "</body></html>"]) + "\n"


_STYLE = (
    "body{font:15px/1.45 sans-serif;margin:2em auto;max-width:1200px;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}"
    "th,td{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:left;vertical-align:bottom}"
    "td.number,th.number{text-align:right}caption{text-align:left;font-weight:bold}"
    ".wide{overflow-x:auto}.pictures td,.pictures th{border:0;padding:2px;font-size:12px}"
    "img{image-rendering:pixelated;display:block}figure{margin:1em 0}figcaption{color:#555}"
)


def _header(column: Column) -> str:
    marks = {None: "", 0: " (0 is best)", 1: " (1 is best)", math.inf: " (higher is better)"}
    return column.label + marks[column.ideal]


def _table_html(table: Table) -> str:
    kinds = [' class="number"' if column.spec else "" for column in table.columns]
    parts = [f'<div class="wide"><table><caption>{html.escape(table.title)}</caption><tr>']
    for column, kind in zip(table.columns, kinds, strict=True):
        parts.append(f"<th{kind}>{html.escape(_header(column))}</th>")
    for cells in _cells(table):
        parts.append("</tr><tr>")
        for (text, best), kind in zip(cells, kinds, strict=True):
            text = html.escape(text)
            parts.append(f"<td{kind}>{f'<b>{text}</b>' if best else text}</td>")
    return "".join([*parts, "</tr></table></div>"])


def _figure_html(figure: Figure) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in figure.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in figure.rows
    )
    return (
        f'<figure><div class="wide"><table class="pictures"><tr>{head}</tr>{body}</table></div>'
        f"<figcaption>{html.escape(figure.caption)}</figcaption></figure>"
    )


def _cells(table: Table) -> list[list[tuple[str, bool]]]:
    """Each row's cells as text, and whether the cell is the best of its column as printed."""
    columns = []
    for column in table.columns:
        texts = [_text(row.get(column.key), column.spec) for row in table.rows]
        values = [row.get(column.key) for row in table.rows]
        columns.append(list(zip(texts, _best(texts, values, column.ideal), strict=True)))
    return [list(row) for row in zip(*columns, strict=True)]


def _best(texts: Sequence[str], values: Sequence[Any], ideal: float | int | None) -> list[bool]:
    """Which values are nearest to the ideal, those printed alike included; none where all are."""
    if ideal is None:
        return [False] * len(values)
    distance = [
        math.inf if value is None or math.isnan(value)
        else -value if math.isinf(ideal) else abs(value - ideal)
        for value in values
    ]
    nearest = texts[int(np.argmin(distance))] if values else ""
    best = [text == nearest and text != "" for text in texts]
    return best if not all(best) else [False] * len(values)


def _text(value: Any, spec: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and math.isinf(value):
        return "infinite"
    return format(value, spec).replace("|", "/")


def _plain(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, pathlib.PurePath) else value
