# SPDX-License-Identifier: Apache-2.0
"""Tests of every command line with bad input: exit code 2, one line that says what is wrong, nothing left behind."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.paths import ROOT

SCRIPTS = ROOT / "scripts"

FILES: dict[str, bytes] = {
    "unknown.toml": b"rows = 8\ncolums = 8\n",
    "section.toml": b"[tile]\nrows = 8\n",
    "nested.toml": b"[rows]\nvalue = 8\n",
    "text.toml": b'rows = "8"\n',
    "float.toml": b"rows = 8.0\n",
    "boolean.toml": b"lanes = true\n",
    "list.toml": b"chopper_probability = [0.1]\n",
    "zero.toml": b"rows = 0\n",
    "large.toml": b"adc_bits = 17\n",
    "nan.toml": b"chopper_probability = nan\n",
    "syntax.toml": b"rows = \ncolumns = 5\n",
    "twice.toml": b"rows = 5\nrows = 6\n",
    "binary.toml": b"\xff\xfe\x00\x01rows",
    "lanes.toml": b"rows = 3\nlanes = 4\n",
    "dead_zone.toml": b"reference_fraction_bits = 2\nfilter_shift = 3\n",
    "threshold.toml": b"hidden_bits = 10\nthreshold_shift = 9\n",
    "tiny.txt": b"rows = 3\n",
    "binary.v": b"\x7fELF\xff\xfe",
    "file": b"I was here first\n",
    "syntax.json": b"[[0.5, 0.5]",
    "binary.json": b"\xff\xfe\x00",
    "number.json": b"0.5",
    "triple.json": b"[[0.1, 0.2, 0.3]]",
    "nan.json": b"[[0.5, NaN]]",
    "string.json": b'[["0.5", "0.5"]]',
    "huge.json": b"[[0.5, 1" + 400 * b"0" + b"]]",
    "one.json": b"[[0.5, 1.0]]",
    "zero.json": b'{"p_row": [0.0], "p_column": [0.5]}',
    "faint.json": b"[[1e-200, 1e-200]]",
    "half.json": b'{"p_row": [0.5]}',
    "more.json": b'{"p_row": [0.5], "p_column": [0.5], "slots": 3}',
    "empty.json": b"[]",
    "deep.json": 100_000 * b"[",
}
FOLDERS = ("folder.toml", "folder", "folder.json")

GENERATE = "generate_verilog --out out --config"
COSIM = "run_cosim --config tiny --json out.json"
COMPARE = "compare_metrics --config digits_output --json out.json"
STATISTICS = "pulse_statistics --config tiny --json out.json"
NAMES = "tiny, small, digits_hidden, digits_output, odd"
FOLDER = "must be a file in an existing, writable folder"
GRID = "must be JSON, [[p_row, p_column], ...]"

# Command line, and the parts that its line has to hold: field or option, value, what is allowed.
CASES: list[tuple[str, tuple[str, ...]]] = [
    # configurations
    (f"{GENERATE} unknown.toml", ("unknown.toml", "'colums'", "must be one of rows, columns")),
    (f"{GENERATE} section.toml", ("section.toml", "'tile'", "must be one of rows, columns")),
    (f"{GENERATE} nested.toml", ("rows", "{'value': 8}", "must be an integer from 1 to 1024")),
    (f"{GENERATE} text.toml", ("rows", "'8'", "must be an integer from 1 to 1024")),
    (f"{GENERATE} float.toml", ("rows", "8.0", "must be an integer from 1 to 1024")),
    (f"{GENERATE} boolean.toml", ("lanes", "True", "must be an integer from 1 to 64")),
    (f"{GENERATE} list.toml", ("chopper_probability", "[0.1]", "must be a number from 0 to 1")),
    (f"{GENERATE} zero.toml", ("rows", "0", "must be from 1 to 1024")),
    (f"{GENERATE} large.toml", ("adc_bits", "17", "must be from 2 to 16")),
    (f"{GENERATE} nan.toml", ("chopper_probability", "nan", "must be a number from 0 to 1")),
    (f"{GENERATE} syntax.toml", ("config", "syntax.toml", "must be valid TOML", "line 1")),
    (f"{GENERATE} twice.toml", ("config", "twice.toml", "must be valid TOML", "line 2")),
    (f"{GENERATE} binary.toml", ("config", "binary.toml", "must be valid TOML")),
    (f"{GENERATE} missing.toml", ("config", "missing.toml", "must be a readable file (No such file")),
    (f"{GENERATE} folder.toml", ("config", "folder.toml", "must be a readable file (Is a directory)")),
    (f"{GENERATE} file/x.toml", ("config", "file/x.toml", "must be a readable file (Not a directory)")),
    (f"{GENERATE} lanes.toml", ("lanes", "4", "must be at most rows = 3")),
    (f"{GENERATE} dead_zone.toml", ("reference_fraction_bits", "2", "must be at least filter_shift = 3")),
    (f"{GENERATE} threshold.toml", ("threshold_shift", "9", "must be at most hidden_bits - 2 = 8")),
    (f"{GENERATE} tiny.txt", ("config", "tiny.txt", NAMES, ".toml file")),
    (f"{GENERATE} huge", ("config", "huge", NAMES, ".toml file")),
    (f"{GENERATE} Tiny", ("config", "Tiny", NAMES)),
    ("run_cosim --json out.json --config huge", ("config", "huge", NAMES)),
    ("compare_metrics --json out.json --config lanes.toml", ("lanes", "4", "must be at most rows = 3")),
    ("pulse_statistics --json out.json --config zero.toml", ("rows", "0", "must be from 1 to 1024")),
    # generate_verilog
    ("generate_verilog --config tiny", ("--out", "required")),
    ("generate_verilog --out out", ("--config", "required")),
    ("generate_verilog --config tiny --out file", ("--out", "'file'", "must be a writable folder")),
    ("generate_verilog --config tiny --out file/below", ("--out", "'file/below'", "must be a writable folder")),
    # run_cosim
    (f"{COSIM} --cycles 0", ("--cycles", "'0'", "must be an integer from 1 to 1000000000")),
    (f"{COSIM} --cycles -1", ("--cycles", "'-1'", "must be an integer from 1 to 1000000000")),
    (f"{COSIM} --cycles abc", ("--cycles", "'abc'", "must be an integer from 1 to 1000000000")),
    (f"{COSIM} --cycles 1e4", ("--cycles", "'1e4'", "must be an integer from 1 to 1000000000")),
    (f"{COSIM} --seed 4294967296", ("--seed", "'4294967296'", "from 0 to 4294967295")),
    (f"{COSIM} --scenario chaos", ("--scenario", "'chaos'", "operations", "random", "slots", "training")),
    (f"{COSIM} --engine vcs", ("--engine", "'vcs'", "cocotb", "icarus", "native")),
    (f"{COSIM} --scenario training", ("config", "tiny is 3x5", "32x65, 10x33")),
    ("run_cosim --config small --scenario training", ("config", "small is 16x16", "32x65, 10x33")),
    (f"{COSIM} --verilog missing.v", ("--verilog", "'missing.v'", "must be a readable file (No such file")),
    (f"{COSIM} --verilog folder", ("--verilog", "'folder'", "must be a readable file (Is a directory)")),
    (f"{COSIM} --verilog binary.v", ("--verilog", "'binary.v'", "must be a readable file (not UTF-8 text)")),
    (f"{COSIM} --engine native --waves w.vcd", ("--engine", "'native'", "must be 'cocotb' or 'icarus' with --waves")),
    (f"{COSIM} --waves missing/w.vcd", ("--waves", "'missing/w.vcd'", FOLDER)),
    (f"{COSIM} --json missing/f.json", ("--json", "'missing/f.json'", FOLDER)),
    (f"{COSIM} --json folder", ("--json", "'folder'", FOLDER)),
    (f"{COSIM} --json file/f.json", ("--json", "'file/f.json'", FOLDER)),
    # compare_metrics
    (f"{COMPARE} --config odd", ("config", "odd is 17x7", "32x65, 10x33")),
    (f"{COMPARE} --task cifar", ("--task", "'cifar'", "digits")),
    (f"{COMPARE} --task idx", ("data", "must be given for the task idx", "a folder")),
    ("benchmark --quick --task idx --json out.json", ("data", "must be given for the task idx", "a folder")),
    (f"{COMPARE} --algorithm adam", ("--algorithm", "'adam'", "e-rider", "tt-v2", "agad")),
    (f"{COMPARE} --engine verilog", ("--engine", "'verilog'", "cocotb", "native")),
    (f"{COMPARE} --steps 5 --epochs 2", ("--epochs", "not allowed with argument --steps")),
    (f"{COMPARE} --steps 0", ("--steps", "'0'", "must be an integer from 1 to 10000000")),
    (f"{COMPARE} --epochs -3", ("--epochs", "'-3'", "must be an integer from 1 to 10000")),
    (f"{COMPARE} --unrecorded", ("--engine", "'cocotb'", "must be 'native' with --unrecorded")),
    (f"{COMPARE} --reference-mean nan", ("--reference-mean", "'nan'", "must be a number from -4 to 4")),
    (f"{COMPARE} --reference-std -0.1", ("--reference-std", "'-0.1'", "must be a number from 0 to 4")),
    (f"{COMPARE} --device ecram --reference-mean 0.5", ("reference_mean = 0.5", "must be 0", "no reference")),
    (f"{COMPARE} --json missing/f.json", ("--json", "'missing/f.json'", FOLDER)),
    (f"{COMPARE} --device memristor", ("device = 'memristor'", "reram-array-om", ".toml file")),
    # train
    ("train --device ecram --reference-std 0.1 --json out.json", ("reference_std = 0.1", "must be 0", "no reference")),
    ("train --task cifar --json out.json", ("--task", "'cifar'", "digits")),
    ("train --algorithm sgd --json out.json", ("--algorithm", "'sgd'", "tt-v2")),
    ("train --epochs 0 --json out.json", ("--epochs", "'0'", "must be an integer from 1 to 10000")),
    ("train --learning-rate inf --json out.json", ("--learning-rate", "'inf'", "must be a number from 0 to 16")),
    ("train --json folder", ("--json", "'folder'", FOLDER)),
    ("train --tile filter_shift --json out.json", ("--tile", "'filter_shift'", "must be FIELD=NUMBER")),
    ("train --tile filter_shift=9 --json out.json", ("filter_shift = 9", "must be from 0 to 8")),
    ("train --tile shift=1 --json out.json", ("'shift'", "must be one of rows", "filter_shift")),
    ("train --tile rows=8 --json out.json", ("rows = 8", "must be left to the task")),
    ("train --chopper always --json out.json", ("--chopper", "'always'", "off", "regular", "random")),
    ("train --row-chopper regular --json out.json", ("row_chopper = REGULAR", "must be OFF for a tile without")),
    ("train --algorithm analog-sgd --chopper off --json out.json", ("chopper = OFF", "must be left out")),
    ("train --algorithm tt-v2 --gamma 0.1 --json out.json", ("gamma = 0.1", "must be left out with tt-v2")),
    ("train --algorithm agad --gamma 0.5 --json out.json", ("gamma = 0.5", "must be left out with agad")),
    ("train --algorithm rider --granularity 9 --json out.json", ("granularity = 9.0", "left out with rider")),
    ("train --algorithm analog-sgd --reads 2 --json out.json", ("reads = 2", "must be left out with analog-sgd")),
    ("train --algorithm tt-v2 --scope tile --json out.json", ("scope = TILE", "must be left out", "chopper = OFF")),
    (f"{COMPARE} --algorithm agad --gamma 0.5", ("gamma = 0.5", "must be left out with agad")),
    ("train --algorithm analog-sgd --calibrate 5 --json out.json", ("target = SLOW", "must be FAST")),
    ("train --calibrate 1000001 --json out.json", ("--calibrate", "'1000001'", "from 0 to 1000000")),
    ("train --task weight-programming --hidden 5 --json out.json", ("--hidden", "[5]", "must be left out")),
    (f"{COMPARE} --checkpoint run.npz", ("--engine", "'cocotb'", "must be 'native' with --checkpoint")),
    (f"{COMPARE} --engine native --resume missing.npz", ("checkpoint", "'missing.npz'", "must be")),
    # pulse_statistics
    (f"{STATISTICS} --grid missing.json", ("grid", "'missing.json'", "must be a readable file (No such file")),
    (f"{STATISTICS} --grid folder.json", ("grid", "'folder.json'", "must be a readable file (Is a directory)")),
    (f"{STATISTICS} --grid syntax.json", ("grid", "'syntax.json'", GRID)),
    (f"{STATISTICS} --grid binary.json", ("grid", "'binary.json'", GRID)),
    (f"{STATISTICS} --grid number.json", ("grid", "'number.json'", GRID)),
    (f"{STATISTICS} --grid triple.json", ("grid", "'triple.json'", GRID)),
    (f"{STATISTICS} --grid nan.json", ("grid", "'nan.json'", GRID, "it holds nan")),
    (f"{STATISTICS} --grid string.json", ("grid", "'string.json'", GRID, "it holds '0.5'")),
    (f"{STATISTICS} --grid huge.json", ("grid", "'huge.json'", GRID, "it holds 1000")),
    (f"{STATISTICS} --grid one.json", ("grid", "'one.json'", "to below 1", "it holds 1.0")),
    (f"{STATISTICS} --grid zero.json", ("grid", "'zero.json'", "from 1e-06", "it holds 0.0")),
    (f"{STATISTICS} --grid faint.json", ("grid", "'faint.json'", "from 1e-06", "it holds 1e-200")),
    (f"{STATISTICS} --grid half.json", ("grid", "'half.json'", '{"p_row": [...], "p_column": [...]}')),
    (f"{STATISTICS} --grid more.json", ("grid", "'more.json'", '{"p_row": [...], "p_column": [...]}')),
    (f"{STATISTICS} --grid empty.json", ("grid", "'empty.json'", GRID, "it holds no point")),
    (f"{STATISTICS} --grid deep.json", ("grid", "'deep.json'", GRID)),
    (f"{STATISTICS} --slots 999", ("--slots", "'999'", "must be an integer from 1000 to")),
    (f"{STATISTICS} --pairs 0", ("--pairs", "'0'", "must be an integer from 1 to 1000")),
    (f"{STATISTICS} --rtl-slots -1", ("--rtl-slots", "'-1'", "must be an integer from 0 to")),
    (f"{STATISTICS} --engine fast", ("--engine", "'fast'", "cocotb", "native")),
    # demo
    ("demo --out file", ("--out", "'file'", "must be a writable folder")),
    ("demo --out file/below", ("--out", "'file/below'", "must be a writable folder")),
    ("demo --out out --epochs 0", ("--epochs", "'0'", "must be an integer from 1 to 1000")),
    ("demo --out out --steps many", ("--steps", "'many'", "must be an integer from 1 to 1000000")),
    # benchmark
    ("benchmark --repeats 0 --json out.json", ("--repeats", "'0'", "must be an integer from 1 to 1000")),
    ("benchmark --task cifar --json out.json", ("--task", "'cifar'", "digits")),
    ("benchmark --json out.json --plot folder", ("--plot", "'folder'", FOLDER)),
    # options that do not exist, also as the start of one that does
    (f"{GENERATE} tiny --lanes 4", ("unrecognized", "--lanes 4")),
    (f"{COSIM} --cycle 5", ("unrecognized", "--cycle 5")),
    (f"{COMPARE} more", ("unrecognized", "more")),
    (f"{STATISTICS} --gird one.json", ("unrecognized", "--gird one.json")),
    ("train --bogus", ("unrecognized", "--bogus")),
    ("demo --out out --config tiny", ("unrecognized", "--config tiny")),
    ("benchmark --fast", ("unrecognized", "--fast")),
]

# The same through a real interpreter: one of each script, and some whose fault shows late.
PROCESSES = [
    f"{GENERATE} syntax.toml",
    "generate_verilog --config tiny --out file",
    f"{COSIM} --verilog binary.v",
    f"{COMPARE} --unrecorded",
    "train --epochs 0 --json out.json",
    f"{STATISTICS} --grid nan.json",
    "demo --out file",
    "benchmark --json out.json --plot folder",
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a case, with nothing in it but what its command line names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(place: Path, words: list[str]) -> dict[str, bytes | None]:
    named = {part for word in words for part in word.split("/")}
    for name in named & FILES.keys():
        (place / name).write_bytes(FILES[name])
    for name in named.intersection(FOLDERS):
        (place / name).mkdir()
    return contents(place)


def contents(place: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(place)): None if path.is_dir() else path.read_bytes() for path in place.rglob("*")}


def check(line: str, script: str, parts: tuple[str, ...]) -> None:
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line.startswith(f"{script}.py: ")
    for part in parts:
        assert part in line


@pytest.mark.parametrize(("command", "parts"), CASES, ids=[command for command, _ in CASES])
def test_bad_input_gives_one_line_and_exit_code_2(
    command: str,
    parts: tuple[str, ...],
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script, *words = command.split()
    monkeypatch.setattr(sys, "argv", [f"{script}.py", "ignored"])
    before = prepare(place, words)
    with pytest.raises(SystemExit) as stop:
        import_module(f"symtrack.scripts.{script}").main(words)
    assert stop.value.code == 2
    out, error = capsys.readouterr()
    assert out == ""
    check(error, script, parts)
    assert contents(place) == before


@pytest.mark.parametrize("command", PROCESSES)
def test_bad_input_of_a_script_run_as_a_process(command: str, place: Path) -> None:
    script, *words = command.split()
    before = prepare(place, words)
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{script}.py"), *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    check(done.stderr, script, dict(CASES)[command])
    assert contents(place) == before
