# SPDX-License-Identifier: Apache-2.0
"""Wrapping of Markdown: what may be wrapped is, what may not be stays, and nothing becomes a list by it."""

from __future__ import annotations

from symtrack.model.markdown import wrapped


def test_paragraphs_and_items_are_filled() -> None:
    assert wrapped("one two three four", 10) == "one two\nthree four"
    assert wrapped("* one two\n  three four\n* five", 11) == "* one two\n  three\n  four\n* five"
    assert wrapped("1. one two\n   three\n\n   four five six", 12) == "1. one two\n   three\n\n   four five\n   six"


def test_tables_code_and_headings_stay() -> None:
    text = "# a heading that is long\n\n| a | table |\n|---|---|\n"
    text += "\n```sh\na command that is long\n\n```\n![a picture](b)\n"
    assert wrapped(text, 10) == text


def test_no_line_begins_with_what_is_no_item() -> None:
    assert wrapped("aaaa bbbb - cccc", 10) == "aaaa\nbbbb -\ncccc"
    assert wrapped("aaaa bbbb 12. cccc", 10) == "aaaa\nbbbb 12.\ncccc"
    for text in ("aaaa | bbbb | cccc", "a # b # c", "a > b > c > d > e"):
        assert not any(line.startswith(("|", "#", ">")) for line in wrapped(text, 8).split("\n"))


def test_short_code_stays_in_one_line() -> None:
    assert wrapped("aaaa `b c` d `e f`", 10) == "aaaa `b c`\nd `e f`"
    assert wrapped("say `make test` now", 10) == "say\n`make test`\nnow"


def test_what_is_wrapped_stays_wrapped() -> None:
    text = "alpha beta gamma delta epsilon\n\n* zeta eta theta iota\n  kappa\n\n  | a |\n  |---|\nlambda mu\n"
    assert wrapped(wrapped(text, 14), 14) == wrapped(text, 14)
