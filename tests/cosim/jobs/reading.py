# SPDX-License-Identifier: Apache-2.0
"""Parser of report pages for tests: tables by caption, drawn data, addresses, and whether elements are closed."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br"}


class Page(HTMLParser):
    """The contents of a report page, read as a browser reads it.

    Attributes
    ----------
    tables : for each caption its rows of texts, the heading first.
    drawn : attributes of all elements with ``data-``.
    attributes : (tag, name, value) of every attribute.
    headings : levels of the headings in order.
    text : all text but the style sheet.
    """

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.drawn: list[dict[str, str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[int] = []
        self.text = ""
        self.tags: list[str] = []
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(source)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        assert len(given) == len(attributes), (tag, attributes)
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if any(name.startswith("data-") for name in given):
            self.drawn.append(given)
        if tag in VOID:
            return
        self._open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self._rows, self._caption = [], ""
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag == "table":
            assert self._caption
            self.tables[self._caption] = self._rows

    def handle_data(self, data):
        if "style" in self._open:
            return
        self.text += data
        if "caption" in self._open:
            self._caption += data
        elif "td" in self._open or "th" in self._open:
            self._rows[-1][-1] += data

    def rows(self, caption: str) -> dict[str, list[str]]:
        """The rows of a table by their first cell."""
        return {row[0]: row[1:] for row in self.tables[caption][1:]}
