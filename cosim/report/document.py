# SPDX-License-Identifier: Apache-2.0
"""Frame of a self-contained HTML page: a title, an introduction, and sections with links to them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from symtrack.cosim.report.html import Markup, element
from symtrack.cosim.report.style import STYLE


def document(title: str, introduction: object, sections: Sequence[tuple[str, str, object]], command: str = "") -> str:
    """The HTML page.

    Parameters
    ----------
    sections
        Anchor, heading and content of each section.
    command
        The command line that makes the page again.
    """
    made = (f"Made by symtrack {version('symtrack')}", *((", again by ", element("code", command)) if command else ()))
    links = [element("a", name, href=f"#{anchor}") for anchor, name, _ in sections]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    body = element(
        "body",
        element("header", element("h1", title), introduction, element("nav", *links, aria_label="Contents")),
        element("main", *(element("section", element("h2", name), part, id=anchor) for anchor, name, part in sections)),
        element("footer", element("p", *made, ".")),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
