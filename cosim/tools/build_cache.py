# SPDX-License-Identifier: Apache-2.0
"""Cache of Verilator builds: one folder per design, named by a hash of everything that goes into it.

``<cache>/verilator/<hash>/`` holds the Verilog, the waivers, the log and the product. A finished folder is used again
and never changed; a build happens under another name and its products are moved into place at its end. One process
builds a design while others that want it wait for its lock, which the system takes from a process that ends, killed or
not. SYMTRACK_SIMULATOR in the environment says what simulators are made for, see `COMPILED`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from symtrack.cosim.tools.toolchain import ToolError, Verilator, is_plain, run
from symtrack.hdl.output.lint_waivers import VERILATOR_DEFAULT, VERILATOR_WAIVED
from symtrack.hdl.output.state_map import all_items
from symtrack.model.cache import VariableError, cache_folder
from symtrack.model.spec.config import TileConfig

STALE_S = 24 * 3600.0  # what is unfinished for so long was left behind
SIZES = "sizes.json"  # of the files of a folder, by name
_FULL = TileConfig(row_chopper=1, programmer=1)  # has every register that any tile has
PUBLIC = tuple(dict.fromkeys(item.path[-1] for item in all_items(_FULL)))  # the state that is compared or set
CONTROL = "`verilator_config\n"
CONTROL += "".join(f"// Waived: {VERILATOR_WAIVED[rule]}.\nlint_off -rule {rule}\n" for rule in VERILATOR_DEFAULT)
CONTROL += "".join(f'public_flat_rd -module "*" -var "{name}"\n' for name in PUBLIC)

FLAGS = ("--cc", "--prefix", "Vtop", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing")
# What a simulator is made for, the default first: -O2 takes half as long again to compile as -O1, and is an eighth
# slower on 64x64 and a fifteenth faster on 256x785. Short runs, as in the tests, end sooner with a simulator that is
# slower and soon there.
VARIABLE = "SYMTRACK_SIMULATOR"
COMPILED = {
    "quick-to-run": ("OPT_FAST=-O1",),
    "quick-to-build": ("OPT_FAST=-O0", "OPT_GLOBAL=-O0", "VM_PARALLEL_BUILDS=0"),
}


def root() -> Path:
    """The folder of all builds."""
    return cache_folder("verilator")


_temporary: list[Path] = []  # the folders of the blocks that this process is in


@contextmanager
def temporary_builds() -> Iterator[None]:
    """Context whose builds are deleted when it ends; they are in a folder of its own, so nobody else uses them."""
    try:
        root().mkdir(parents=True, exist_ok=True)
        sweep()
        folder = Path(tempfile.mkdtemp(dir=root(), prefix=_prefix()))
    except OSError as error:
        raise _unusable(error) from None
    _temporary.append(folder)
    try:
        yield
    finally:
        _temporary.pop()
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what earlier runs have left unfinished: those whose process is gone, and what is older than a day.

    A name says the machine and the process; of another machine's processes, or a container's, only the age is known.
    """
    with suppress(OSError):
        places = [root()] if is_plain(root()) else [root(), Path(tempfile.gettempdir())]
        for folder in [found for place in places for found in place.glob("unfinished-*")]:
            with suppress(OSError):
                if _left_behind(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def _left_behind(folder: Path) -> bool:
    found = re.match(rf"unfinished-{_machine()}_(\d+)_", folder.name)
    if found is None:
        return time.time() - folder.stat().st_mtime > STALE_S
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is another user's
    return False


def _prefix() -> str:
    """How the name of an unfinished folder of this process begins."""
    return f"unfinished-{_machine()}_{os.getpid()}_"


def _machine() -> str:
    """A name for where process numbers are those of this process."""
    space = ""
    with suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return _digest((socket.gethostname(), space))[:8]


def _unusable(error: OSError) -> ToolError:
    return ToolError(f"{root()}: must be a folder that builds can be written to ({error.strerror or error})")


def cached(identity: Sequence[str], produce: Callable[[Path], Iterable[Path]]) -> Path:
    """The folder of what has this identity; if it does not exist, ``produce(work)`` returns the files to put in.

    Raises
    ------
    ToolError
        The folder cannot be written, or what ``produce`` raises.
    """
    name = _digest(identity)
    folder = root() / name
    if not _whole(folder) and _temporary:
        folder = _temporary[-1] / name
    if _whole(folder):
        return folder
    try:
        with locked(folder):
            if not _whole(folder):
                shutil.rmtree(folder, ignore_errors=True)
                sweep()
                with _workplace() as work:
                    _publish(produce(work), folder)
    except OSError as error:
        raise _unusable(error) from None
    return folder


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder to build in: among the builds, or, as make takes no spaces, where the system has such folders."""
    place = root() if is_plain(root()) else Path(tempfile.gettempdir())
    if not is_plain(place):
        raise ToolError(
            f"TMPDIR = {str(place)!r}: must have letters, digits and any of ./+@=~,_- only, as make wants it"
        )
    with tempfile.TemporaryDirectory(dir=place, prefix=_prefix()) as work:
        yield Path(work)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """No other process is in such a block for the same folder of builds."""
    locks = cache_folder("locks")
    for parent in (folder.parent, locks):
        parent.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / folder.name):
        yield


def _whole(folder: Path) -> bool:
    """Whether all files of a folder still have the sizes they were published with."""
    try:
        sizes = json.loads((folder / SIZES).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def verilate(
    work: Path, tool: Verilator, verilog: str, top: str, control: str, flags: Sequence[str], *sources: Path
) -> list[Path]:
    """Translate ``verilog`` to C++ in ``work``; returns the files that document it: text, waivers and log."""
    tool = tool.in_folder(work)
    text, waivers, log = work / "tile.v", work / "control.vlt", work / "build.log"
    text.write_text(verilog, encoding="utf-8")
    waivers.write_text(control, encoding="utf-8")
    command = [tool.executable, *flags, "-Mdir", str(work), "--top-module", top]
    run([*command, *map(str, (waivers, text, *sources))], tool.environment, log)
    return [text, waivers, log]


def make(work: Path, tool: Verilator, flags: Sequence[str], *targets: str) -> None:
    """Compile what `verilate` wrote.

    Verilator's own library is the same for all designs with these flags, so its objects are kept and shared.
    """
    tool = tool.in_folder(work)
    runtime = root() / f"runtime-{_digest((tool.version, *compile_options(), *flags))}"
    command = ["make", "-C", str(work), "-j", str(os.cpu_count() or 1), "-f", "Vtop.mk", *compile_options(), *targets]
    with locked(runtime):
        if not _whole(runtime):
            shutil.rmtree(runtime, ignore_errors=True)
            run(command, tool.environment, work / "build.log")
            _publish(work.glob("verilated*.o"), runtime)
            return
    for item in runtime.glob("*.o"):
        shutil.copy(item, work)
    run(command, tool.environment, work / "build.log")


def compile_options() -> tuple[str, ...]:
    """What `COMPILED` says for the value of the variable.

    Raises
    ------
    VariableError
        It has another value.
    """
    value = os.environ.get(VARIABLE) or next(iter(COMPILED))
    if value not in COMPILED:
        raise VariableError(f"{VARIABLE} = {value!r}: must be one of {', '.join(COMPILED)}")
    return COMPILED[value]


def _digest(identity: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]


def _publish(files: Iterable[Path], folder: Path) -> None:
    """Make ``folder`` with copies of ``files`` appear at once; if an equal one is already there it stays."""
    if folder.is_dir():
        return
    ready = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_prefix()))
    try:
        for item in files:
            shutil.copy(item, ready)
        sizes = {item.name: item.stat().st_size for item in ready.iterdir()}
        (ready / SIZES).write_text(json.dumps(sizes), encoding="utf-8")
        ready.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(ready, ignore_errors=True)
