# SPDX-License-Identifier: Apache-2.0
"""Lines of Markdown documents: paragraphs and list items are wrapped; tables, code and headings stay as they are."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

WIDTH = 120
_ITEM = re.compile(r"([*+-]|\d+\.)\s+")
_FENCE = "```"
_MARKERS = re.compile(r" (?=(?:[*+>|-]|#+|\d+[.)])(?: |$))")  # no line may begin with what looks like a list or a table
_SPAN = re.compile(r"(?<!`)`[^`]{1,60}`(?!`)")  # code that stays in one line
_GLUE = "\0"


def wrapped(text: str, width: int = WIDTH) -> str:
    """The document with lines of at most ``width`` characters, but for table rows and words that are longer."""
    result: list[str] = []
    block: list[str] = []
    code = False

    def finish() -> None:
        result.extend(_filled(block, width))
        block.clear()

    for line in text.split("\n"):
        plain = line.strip()
        fence = plain.startswith(_FENCE)
        if fence or code or not plain or plain.startswith(("|", "#", "![")):
            finish()
            result.append(line)
            code = code != fence
            continue
        if _ITEM.match(plain) or (block and _indent(line) < _indent(block[-1])):
            finish()
        block.append(line)
    finish()
    return "\n".join(result)


def _filled(block: Sequence[str], width: int) -> list[str]:
    if not block:
        return []
    first = _indent(block[0])
    item = _ITEM.match(block[0].strip())
    words = " ".join(" ".join(block).split())
    if item:
        words = words[len(item[1]) + 1 :]
    words = _SPAN.sub(lambda span: span[0].replace(" ", _GLUE), _MARKERS.sub(_GLUE, words))
    start = " " * first + (item[0] if item else "")
    return [
        line.replace(_GLUE, " ")
        for line in textwrap.wrap(
            words,
            width,
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
