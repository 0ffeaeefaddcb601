# SPDX-License-Identifier: Apache-2.0
"""Writes small IDX files: 12 images of 4 x 3 pixels for training and 6 for test."""

import gzip
from pathlib import Path

import numpy as np

from symtrack.model.tasks.idx import FILES


def encode(array: np.ndarray, kind: int = 8) -> bytes:
    """The bytes of a file."""
    header = bytes([0, 0, kind, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_folder(folder: Path, *, compressed: bool = False) -> list[np.ndarray]:
    """Write the four files; training images and labels, test images and labels."""
    rng = np.random.default_rng(1)
    arrays = []
    for count, names in ((12, FILES["train"]), (6, FILES["test"])):
        images = rng.integers(0, 256, (count, 4, 3))
        images[0, 0] = (0, 127, 255)
        for name, array in zip(names, (images, rng.integers(0, 10, count)), strict=True):
            data = encode(array)
            (folder / f"{name}.gz" if compressed else folder / name).write_bytes(
                gzip.compress(data) if compressed else data
            )
            arrays.append(array)
    return arrays
