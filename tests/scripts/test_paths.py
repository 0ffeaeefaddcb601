# SPDX-License-Identifier: Apache-2.0
"""Tests of the paths of all commands: none writes over an input or another output; a picture's ending decides."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import combinations
from pathlib import Path

import pytest

from symtrack.model.spec.config import TileConfig
from symtrack.model.tasks.task import TASKS
from symtrack.scripts import calibrate, cli, common, generate_verilog, train
from symtrack.scripts.common import Parser, PathType, input_file, name_or_toml, output_file, picture_file
from tests.model.helpers import tiny

PLAIN = "plain text"  # what a file holds that no command may change


@cache
def parser_of(command: str) -> Parser:
    """The parser of a command, taken from it where it parses its words."""
    found: list[Parser] = []

    class Stop(Exception):  # noqa: N818
        pass

    def take(parser: Parser, *_: object) -> None:
        found.append(parser)
        raise Stop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Parser, "parse_args", take)
        with pytest.raises(Stop):
            import_module(f"symtrack.scripts.{cli.module_of(command)}").main([])
    return found[0]


def name_of(action: argparse.Action) -> str:
    return action.option_strings[0] if action.option_strings else str(action.metavar)


def pairs() -> Iterator[tuple[str, argparse.Action, argparse.Action]]:
    """All pairs of path options of a command of which one at least is written."""
    for command in cli.COMMANDS:
        parser = parser_of(command)
        actions = [action for action in parser._actions if isinstance(action.type, PathType)]
        exclusive = [group._group_actions for group in parser._mutually_exclusive_groups]
        for one, other in combinations(actions, 2):
            kinds = one.type, other.type
            assert isinstance(kinds[0], PathType)
            assert isinstance(kinds[1], PathType)
            apart = any(one in group and other in group for group in exclusive)
            unknown = any(not list(kind.files("folder.toml")) for kind in kinds)
            replaced = name_of(one) in kinds[1].replaced_by or name_of(other) in kinds[0].replaced_by
            if (kinds[0].written or kinds[1].written) and not (apart or unknown or replaced):
                yield command, one, other


PAIRS = list(pairs())


def value_of(action: argparse.Action, stem: str) -> tuple[str, Path]:
    """A value that the option takes, and the last of the files that it stands for."""
    kind = action.type
    assert isinstance(kind, PathType)
    text = stem + (".png" if kind is picture_file else ".toml" if kind is name_or_toml else "")
    return text, list(kind.files(text))[-1]


def words(command: str, *given: tuple[argparse.Action, str]) -> list[str]:
    """A command line with these options, and what is required beside them."""
    parser, told = parser_of(command), dict(given)
    needed = [action for action in parser._actions if action.required]
    for group in parser._mutually_exclusive_groups:
        if group.required and not told.keys() & set(group._group_actions):
            needed.append(group._group_actions[-1])
    for action in needed:
        told.setdefault(
            action, "tiny" if action.dest == "config" else f"other-{action.dest}" if action.nargs != 0 else ""
        )
    line: list[str] = []
    for action, text in told.items():
        line += [*action.option_strings[:1], *([text] if action.nargs != 0 else [])]
    return line


def test_every_option_that_takes_a_text_says_what_files_it_stands_for() -> None:
    """So that a new option for a path is compared with the others; numbers and choices have types of their own."""
    for command in cli.COMMANDS:
        for action in parser_of(command)._actions:
            free = action.nargs != 0 and not action.choices and action.type in (None, str, Path)
            assert not free, f"{command}: {name_of(action)}"
    assert len(PAIRS) > 40


@pytest.mark.parametrize("link", [os.symlink, os.link, None], ids=["symbolic", "hard", "itself"])
@pytest.mark.parametrize(
    ("command", "one", "other"), PAIRS, ids=[f"{c} {name_of(one)} {name_of(other)}" for c, one, other in PAIRS]
)
def test_no_output_is_an_input_or_another_output(
    command: str,
    one: argparse.Action,
    other: argparse.Action,
    link: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (text, file), (second, linked) = value_of(one, "a"), value_of(other, "b")
    for path in (file, linked):
        path.parent.mkdir(parents=True, exist_ok=True)
    if link is None:  # the same text for both, where both take it
        if one.type not in (input_file, output_file) or other.type not in (input_file, output_file):
            return
        second = text
    file.write_text(PLAIN)
    if callable(link):
        link(file.resolve(), linked)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as stop:
        import_module(f"symtrack.scripts.{cli.module_of(command)}").main(words(command, (one, text), (other, second)))
    out, error = capsys.readouterr()
    assert (stop.value.code, out, error.count("\n")) == (2, "", 1)
    assert name_of(one) in error
    assert name_of(other) in error
    assert "must be another file than that of" in error
    assert sorted(tmp_path.rglob("*")) == before
    assert file.read_text() == PLAIN


def test_files_that_are_not_there_yet_are_compared_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.npz").symlink_to("r.npz")
    for other in ("r.npz", "./r.npz", f"{tmp_path}/r.npz", "link.npz"):
        with pytest.raises(SystemExit) as stop:
            train.main(["--checkpoint", "r.npz", "--json", other])
        assert stop.value.code == 2
        assert "argument --checkpoint: 'r.npz': must be another file than that of --json" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["link.npz"]


@pytest.mark.slow
def test_files_of_a_folder_that_a_configuration_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = TileConfig(rows=3, columns=3, lanes=1)
    source = tmp_path / f"symtrack_{config.name}.toml"
    source.write_text("rows = 3\ncolumns = 3\nlanes = 1\n")
    before = source.read_text()
    with pytest.raises(SystemExit) as stop:
        generate_verilog.main(["--config", source.name, "--out", "."])
    assert stop.value.code == 2
    assert "argument --out: " in capsys.readouterr().err
    assert (source.read_text(), len(list(tmp_path.iterdir()))) == (before, 1)
    assert generate_verilog.main(["--config", source.name, "--out", "out"]) == 0


def test_a_run_may_go_on_in_its_checkpoint_and_names_are_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(TASKS, "tiny", tiny.task)
    common_words = ["--task", "tiny", "--checkpoint", "run.npz", "--device", "ecram", "--json", "ecram"]
    assert train.main([*common_words, "--epochs", "1"]) == 0
    assert train.main([*common_words, "--epochs", "2", "--resume", "run.npz"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ecram", "run.npz"]


CALIBRATE = ["--rows", "2", "--columns", "2", "--dw-min", "0.05", "--pulses", "4", "--plot"]


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")]
)
def test_the_ending_of_a_picture_decides_its_format(name: str, start: bytes, tmp_path: Path) -> None:
    files = [tmp_path / folder / name for folder in ("first", "second")]
    for file in files:
        file.parent.mkdir()
        assert calibrate.main([*CALIBRATE, str(file)]) == 0
        assert file.read_bytes().startswith(start)
    assert files[0].read_bytes() == files[1].read_bytes()
    if name.endswith("svg"):
        assert b"<svg" in files[0].read_bytes()


PLOTTED = [command for command in cli.COMMANDS if any(a.dest == "plot" for a in parser_of(command)._actions)]


@pytest.mark.parametrize("command", PLOTTED)
@pytest.mark.parametrize("name", ["a.jpg", "a", "png", "a.png.txt"])
def test_other_endings_are_refused(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["script"])
    (plot,) = [action for action in parser_of(command)._actions if action.dest == "plot"]
    with pytest.raises(SystemExit) as stop:
        import_module(f"symtrack.scripts.{cli.module_of(command)}").main(words(command, (plot, name)))
    out, error = capsys.readouterr()
    assert (stop.value.code, out, error.count("\n")) == (2, "", 1)
    assert f"--plot: {name!r}: must end in .png, .pdf, .svg" in error
    assert list(tmp_path.iterdir()) == []
    assert len(PLOTTED) >= 4
    assert common.picture_format(Path("x.PDF")) == "pdf"
