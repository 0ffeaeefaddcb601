# SPDX-License-Identifier: Apache-2.0
"""Builds HTML and SVG markup in which every text is escaped unless it is markup itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

VOID = ("br", "meta")  # elements without an end


class Markup(str):
    """Text that is HTML already and is not escaped again."""


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """An HTML element; attributes are written ``class_`` and ``stroke_width``, and those that are None are left out."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{given}>" if tag in VOID else f"<{tag}{given}>{join(children)}</{tag}>")


def join(parts: Iterable[object]) -> Markup:
    """The parts, one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escape(str(part), quote=False) for part in parts))


def table(
    caption: str, head: Sequence[object], rows: Iterable[Sequence[object]], *, class_: str | None = None
) -> Markup:
    """A table with a caption; the first cell of a row is its heading."""
    lines = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    ]
    heading = element("thead", element("tr", *(element("th", name, scope="col") for name in head)))
    body = element("table", element("caption", caption), heading, element("tbody", *lines), class_=class_)
    return element("div", body, class_="scroll", tabindex=0, role="region", aria_label=caption)


def folded(summary: str, *children: object) -> Markup:
    """Content that is shown when the reader opens it."""
    return element("details", element("summary", summary), *children)
