# SPDX-License-Identifier: Apache-2.0
"""The wheel: one name in site-packages, and everything a user does works with it alone, in any working folder.

What is in it is looked at in the fast tests, which build it. The slow ones add that it works: every command, the Python
interface and both engines, installed, without a checkout, from any working folder, and where the installation cannot be
written to.

It is installed into an environment that has nothing else of its own; what it depends on is taken from the environment
of the tests, whose editable installation does not count there, as its hook is not run. That everything it imports is
declared is tested in `tests/test_imports.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.tools.package_links import FOLDERS
from symtrack.model.cache import VARIABLE
from symtrack.scripts.cli import COMMANDS, OF_CHECKOUT
from tests.paths import ROOT, checkout_files

SOURCES = (*FOLDERS, "docs", "tests", "pyproject.toml", "README.md", "LICENSE")
VERSION = version("symtrack")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LEFT_OUT = {"PYTHONPATH", "VIRTUAL_ENV", "HOME", "XDG_CACHE_HOME", VARIABLE, "NUMBA_CACHE_DIR"}


def test_every_folder_is_a_package_of_the_wheel() -> None:
    folders = {path.parent.relative_to(ROOT) for name in FOLDERS for path in (ROOT / name).rglob("*.py")}
    named = {f"symtrack.{'.'.join(folder.parts)}" for folder in folders} - {"symtrack.scripts.face"}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == named | {"symtrack", "symtrack.hdl.example"}


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy of the checkout in which earlier work has left things in ``build/``, which stay as they are."""
    if find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "checkout"
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy / name)
    for name in (
        "build/lib/symtrack/model/stale.py",
        "build/lib/stale.py",
        "build/numba/kernel.nbc",
        "model/secret.txt",
    ):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("'left here'\n")
    (copy / "build/src/symtrack").mkdir(parents=True)
    (copy / "build/src/symtrack/model").symlink_to(copy / "model")
    before = sorted(copy.glob("build/**/*"))
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    done = run(*pip, "--wheel-dir", folder, copy)
    assert done.returncode == 0, done.stderr
    assert sorted(copy.glob("build/**/*")) == before
    shutil.rmtree(copy)
    (built,) = folder.glob("*.whl")
    return built


def test_what_is_in_the_wheel(wheel: Path) -> None:
    """The Python files, and all others of the package: those that git knows."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = message_from_bytes(archive.read(f"symtrack-{VERSION}.dist-info/METADATA"))
        scripts = archive.read(f"symtrack-{VERSION}.dist-info/entry_points.txt").decode()
    assert {name.partition("/")[0] for name in names} == {"symtrack", f"symtrack-{VERSION}.dist-info"}
    files = {str(path) for path in checkout_files() if path.parts[0] in FOLDERS}
    data = {name for name in files if not name.endswith(".py")}
    assert data >= {"cosim/engine/native/loop.h", "cosim/mutation/complete.toml", "scripts/face/py.typed"}
    assert {"model/analysis/gates.json", "model/analysis/event_energies.json"} <= set(data)
    assert {Path(name).suffix for name in data} == {".h", ".json", ".toml", ".typed", ".c", ".cpp", ".v", ""}
    assert {name for name in names if name.startswith("symtrack/")} == {
        f"symtrack/{name.removeprefix('scripts/face/')}" for name in files
    }
    assert f"symtrack-{VERSION}.dist-info/licenses/LICENSE" in names
    assert metadata["Version"] == VERSION
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"] == "symtrack contributors"
    assert "](" not in metadata.get_payload(), "a link in the description leads nowhere from there"
    assert scripts == "[console_scripts]\nsymtrack = symtrack.scripts.cli:entry\n"


class Installed:
    """The wheel in an environment of its own, and a working folder with names that must not matter."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        environment = folder / "environment"
        assert run(sys.executable, "-m", "venv", "--without-pip", environment).returncode == 0
        (self.packages,) = environment.glob("lib/python*/site-packages")
        done = run(
            *(sys.executable, "-m", "pip", "--python", environment / "bin/python"),
            *("install", "--quiet", "--no-deps", "--no-index", wheel),
        )
        assert done.returncode == 0, done.stderr
        self.got = sorted(path.name for path in self.packages.iterdir())
        others = [path for path in sys.path if path.endswith("site-packages")]
        (self.packages / "dependencies.pth").write_text("\n".join(others) + "\n")
        self.bin = environment / "bin"
        self.here = folder / "somewhere"
        (self.here / "scripts").mkdir(parents=True)
        (self.here / "model.py").write_text("raise RuntimeError('this is not the model that is meant')\n")
        (self.here / "scripts/__init__.py").write_text("raise RuntimeError('nor are these the scripts')\n")
        self.plain = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}

    def call(self, *words: str, code: int = 0, prefix: tuple[str, ...] = (), **environment: str) -> str:
        """Run ``symtrack``; what it prints, on standard error if it fails."""
        return self._run([*prefix, str(self.bin / "symtrack"), *words], code, environment)

    def python(self, text: str, **environment: str) -> str:
        """Run Python; what it prints."""
        return self._run([str(self.bin / "python"), "-c", text], 0, environment)

    def _run(self, command: list[str], code: int, environment: dict[str, str]) -> str:
        done = run(*command, cwd=self.here, env=self.plain | environment)
        assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
        return done.stderr if code else done.stdout

    def files(self) -> dict[str, tuple[int, int]]:
        """Everything that is installed, with its size and when it was written."""
        paths = (path for path in self.packages.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


@pytest.mark.slow
def test_every_job_is_done_from_an_empty_folder(installed: Installed, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    before = installed.files()
    assert installed.got == ["symtrack", f"symtrack-{VERSION}.dist-info"]
    where = (
        "import sys, symtrack, symtrack.model.cache as c; print(symtrack.__file__, c.checkout(), *sys.path, sep='\\n')"
    )
    file, checkout, *path = installed.python(where, **home).splitlines()
    assert (file, checkout) == (str(installed.packages / "symtrack/__init__.py"), "None")
    assert str(ROOT) not in path
    assert (
        installed.python("import symtrack; print(symtrack.generate_verilog('tiny').module)", **home)
        == "symtrack_tiny\n"
    )

    def call(text: str, code: int = 0) -> str:
        return installed.call(*text.split(), code=code, **home)

    def report(name: str) -> dict[str, object]:
        found: dict[str, object] = json.loads((installed.here / name).read_text())
        assert found["symtrack_version"] == VERSION
        return found

    assert call("--version") == f"symtrack {VERSION}\n"
    overview = call("--help")
    assert all(f"\n  {command} " in overview for command in COMMANDS)
    call("generate-verilog --config tiny --out rtl")
    assert (installed.here / "rtl/symtrack_tiny.v").read_text().startswith("// Generated by symtrack ")
    call("train --epochs 1 --train-samples 100 --test-samples 100 --json train.json")
    assert report("train.json")["runs"]
    for engine in ("cocotb", "native"):
        call(f"run-cosim --config tiny --cycles 1000 --engine {engine} --json {engine}.json")
        assert report(f"{engine}.json")["mismatches"] == 0
    call("compare-metrics --engine native --algorithm rider --steps 20 --json compare.json --report page")
    assert report("compare.json")["agree"] is True
    assert f"Made by symtrack {VERSION}" in (installed.here / "page/report.html").read_text()
    call("calibrate --rows 4 --columns 4 --dw-min 0.005 --json calibrate.json")
    assert report("calibrate.json")["results"]
    call("characterize-device --device reram-array-om --pulses pulses.csv")
    call("fit-device pulses.csv --families soft-bounds --out device.toml --json fit.json")
    assert report("fit.json")["family"] == "soft-bounds"
    call("train --device device.toml --epochs 1 --train-samples 100 --test-samples 100")
    call("results --render")
    assert "0 of " in (installed.here / "symtrack-output/results/results.md").read_text()
    call("results --only float --seeds 1 --out results --cache runs")
    (runs,) = (installed.here / "runs").glob("*.jsonl")
    assert len(runs.read_text().splitlines()) == 3  # golden ones, the others need a checkout
    for command in OF_CHECKOUT:
        assert f"symtrack {command}: " in call(command, code=2)
    assert call("cache").splitlines()[0] == str(tmp_path / ".cache/symtrack")
    call("cache --empty --json cache.json")
    assert all(report("cache.json")["kinds"][kind]["bytes"] > 10**5 for kind in ("numba", "verilator"))  # type: ignore[index]
    assert not list((tmp_path / ".cache/symtrack").rglob("*.so"))

    asked = {"rtl", "page", "results", "runs", "symtrack-output", "pulses.csv", "device.toml", "model.py", "scripts"}
    asked |= {f"{name}.json" for name in ("train", "cocotb", "native", "compare", "calibrate", "fit", "cache")}
    assert {path.name for path in installed.here.iterdir()} == asked
    assert installed.files() == before


@pytest.mark.slow
def test_it_works_from_a_folder_that_cannot_be_written_to_without_a_home(installed: Installed, tmp_path: Path) -> None:
    """Permissions are taken from the installed folder, and where the tests have those of root, its right to pass over
    permissions is taken from the commands (setpriv); where that is not there, what remains is that nothing changes.
    """
    prefix: tuple[str, ...] = ()
    if os.getuid() == 0 and shutil.which("setpriv"):
        prefix = ("setpriv", "--bounding-set", "-dac_override", "--")
        if run(*prefix, "true").returncode:
            prefix = ()
    folders = [path for path in (installed.packages, *installed.packages.rglob("*")) if path.is_dir()]
    modes = {path: path.stat().st_mode for path in folders}
    before = installed.files()
    home = {"XDG_CACHE_HOME": str(tmp_path)}  # not that of the user who runs the tests
    try:
        for path in folders:
            path.chmod(0o555)
        if os.getuid() or prefix:
            assert run(*prefix, "touch", installed.packages / "symtrack/x").returncode
        out = "read-only"
        installed.call("generate-verilog", "--config", "odd", "--out", out, prefix=prefix, **home)
        training = f"train --epochs 1 --train-samples 50 --test-samples 50 --json {out}/train.json"
        installed.call(*training.split(), prefix=prefix, **home)
        assert json.loads((installed.here / out / "train.json").read_text())["runs"]
        installed.call("run-cosim", "--config", "tiny", "--cycles", "500", prefix=prefix, **home)
        if os.getuid() or prefix:  # where there is no place for a cache either, a temporary folder is one
            closed, temporary = tmp_path / "closed", tmp_path / "temporary"
            closed.mkdir(mode=0o555)
            temporary.mkdir()
            places = {"XDG_CACHE_HOME": str(closed), "TMPDIR": str(temporary)}
            installed.call(*training.split(), prefix=prefix, **places)
            assert (temporary / f"symtrack-{os.getuid()}/numba").is_dir()
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
        shutil.rmtree(installed.here / "read-only", ignore_errors=True)
    assert installed.files() == before
    assert {path.name for path in (tmp_path / "symtrack").iterdir()} >= {"numba", "verilator"}
