# SPDX-License-Identifier: Apache-2.0
"""Reads images and labels from files in IDX format, as MNIST and its relatives come.

    file  = 0 0 type dimensions,  size of every dimension,  data
    image = round(pixel / 255), a value from 0 to 1,        label from 0 to 255

Type 8 is the unsigned byte, the only one here; sizes are big-endian 32-bit words, data is in C order. A folder holds
the four files of `FILES`, each plain or compressed with gzip (``.gz``); where both are there, the plain one is read.
Names may have a dot before ``idx`` and, as those of EMNIST, a beginning of their own and ``test`` in place of ``t10k``.
Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits.
"""

from __future__ import annotations

import gzip
import re
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.spec.fixed import Int

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CLASSES = 10  # at least
_NAME = re.compile(r"(?:.*-)?(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(?:\.gz)?")
_UNSIGNED_BYTE = 8
_PIXEL_MAX = 255


def read_folder(folder: str | Path) -> tuple[tuple[Int, Int, Int, Int], tuple[int, int]]:
    """The samples of a folder.

    Returns
    -------
    train_x, train_y, test_x, test_y : int64[N, pixels], values, and int64[N], labels.
    size : height and width of the images.

    Raises
    ------
    ValueError
        A file is missing, damaged or does not fit the others; the message names file, value and what is allowed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"data = {str(folder)!r}: must be an existing folder")
    train, train_y = _read_part(folder, "train")
    test, test_y = _read_part(folder, "test")
    highest = classes(train_y) - 1
    if test_y.max() > highest:
        first = int(np.argmax(test_y > highest))
        name = _find(folder, "test", "labels").name.removesuffix(".gz")
        text = f"must be from 0 to {highest}, as in training"
        raise ValueError(f"{name}: label {test_y[first]} of sample {first}: {text}")
    if test.shape[1:] != train.shape[1:]:
        sizes = [f"{images.shape[1]} x {images.shape[2]}" for images in (test, train)]
        raise ValueError(f"{FILES['test'][0]}: {sizes[0]} pixels: must be {sizes[1]}, as in {FILES['train'][0]}")
    return (_values(train), train_y, _values(test), test_y), (train.shape[1], train.shape[2])


def _read_part(folder: Path, part: str) -> tuple[NDArray[np.uint8], Int]:
    image_name, label_name = (_find(folder, part, kind).name.removesuffix(".gz") for kind in ("images", "labels"))
    images, labels = _read(folder, image_name, 3), _read(folder, label_name, 1)
    if len(labels) != len(images):
        raise ValueError(f"{label_name}: {len(labels)} labels: must be {len(images)}, one for every image")
    return images, labels.astype(np.int64)


def classes(train_y: Int) -> int:
    """Outputs of a network for these labels: as many as the largest needs, and `CLASSES` at least."""
    return max(CLASSES, int(train_y.max()) + 1)


def files(folder: str | Path) -> list[Path]:
    """All files in a folder that may be read."""
    names = {f"{name}{ending}" for names in FILES.values() for name in names for ending in ("", ".gz")}
    there = Path(folder)
    if there.is_dir():
        names |= {path.name for path in there.iterdir() if _NAME.fullmatch(path.name)}
    return [there / name for name in sorted(names)]


def _find(folder: Path, part: str, kind: str) -> Path:
    """The file of a part; the plain one where there is a compressed one, too.

    Raises
    ------
    ValueError
        There is none, or there are several.
    """
    usual = FILES[part][("images", "labels").index(kind)]
    words = ("train",) if part == "train" else ("t10k", "test")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match and match[1] in words and match[2] == kind:
            found.setdefault(path.name.removesuffix(".gz"), path)
    if usual in found:
        return found[usual]
    if len(found) > 1:
        raise ValueError(f"data = {str(folder)!r}: must hold one of {', '.join(found)}, not several")
    if not found:
        raise ValueError(f"data = {str(folder)!r}: must hold {usual} or {usual}.gz")
    return next(iter(found.values()))


def _values(images: NDArray[np.uint8]) -> Int:
    """Pixels as values, int64[N, pixels], to nearest."""
    table = (2 * VALUE_ONE * np.arange(_PIXEL_MAX + 1) + _PIXEL_MAX) // (2 * _PIXEL_MAX)
    values: Int = table.take(images.reshape(len(images), -1))
    return values


def _read(folder: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    """Data of one file, which must have this many dimensions, none of them empty."""
    data = _content(folder, name)
    header = 4 * (1 + dimensions)
    if len(data) < header:
        raise ValueError(f"{name}: {len(data)} bytes: must be at least {header}, the header")
    magic, *shape = (int(word) for word in np.frombuffer(data, ">u4", 1 + dimensions))
    expected = _UNSIGNED_BYTE << 8 | dimensions
    if magic != expected:
        raise ValueError(f"{name}: magic number {magic}: must be {expected}, {dimensions}-dimensional unsigned bytes")
    if 0 in shape:
        raise ValueError(f"{name}: size {' x '.join(map(str, shape))}: must be at least 1 in every dimension")
    size = header + prod(shape)
    if len(data) != size:
        raise ValueError(f"{name}: {len(data)} bytes: must be {size}, {header} and {' x '.join(map(str, shape))}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _content(folder: Path, name: str) -> bytes:
    plain, compressed = folder / name, folder / f"{name}.gz"
    path = plain if plain.exists() else compressed
    try:
        return plain.read_bytes() if path == plain else gzip.decompress(compressed.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name}: must be a whole gzip file ({error})") from None
    except OSError as error:
        raise ValueError(f"{path.name}: must be a readable file ({error.strerror})") from None
