# SPDX-License-Identifier: Apache-2.0
"""Checkpoint files: the whole state of a training run, from which it goes on as if it had never stopped.

    file   = .npz of the arrays of the run with ``version``, ``settings`` and ``sha256``
    sha256 = `model.training.metrics.state_sha256` of all the others, so of every bit that is read back

``settings`` is what the run depends on, as JSON in bytes, names to texts, with the definition of its algorithm and the
versions of what is computed (`model.semantics`). It is compared name by name: a run goes on
only as what it was. The file appears whole or not at all and is read without pickle.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from symtrack.model.files import write_bytes
from symtrack.model.spec import config
from symtrack.model.state import Arrays
from symtrack.model.training import earlier
from symtrack.model.training.metrics import state_sha256

VERSION = 5  # another one whenever an array or its meaning changes; what runs compute has `model.semantics`
_LONGEST = 60  # characters of a setting in a message

# Files and keys of results hold names of classes and fields. What is renamed keeps the name that it has there.
NAMES_IN_FILES = {"ChopperMode": "Chopper", "tile_configs": "layers"}


# What came later is left out where it is as if it were not there, so that files and keys of before stay what they are.
ADDED = {
    "read_noise_std": 0.0,
    "hidden_momentum": 0.0,
    "fixed_fast_rate": 0.0,
    "clip_errors": 0,
    "scaling": "",
    "read_bound": 0.0,
}


def describe(name: str, value: Any) -> dict[str, str]:
    """A setting by name, a dataclass with its fields, a tuple with all its items, an array by its digest."""
    if is_dataclass(value):
        result = {name: _class(value)}
        for spec in fields(value):
            added = config.ADDED if isinstance(value, config.TileConfig) else ADDED
            if not spec.compare or (spec.name in added and getattr(value, spec.name) == added[spec.name]):
                continue
            part = NAMES_IN_FILES.get(spec.name, spec.name)
            result |= describe(f"{name}.{part}", getattr(value, spec.name))
        return result
    if isinstance(value, tuple):
        result = {name: f"{len(value)} items"}
        for index, item in enumerate(value):
            result |= describe(f"{name}[{index}]", item)
        return result
    if isinstance(value, np.ndarray):
        return {name: f"data with SHA-256 {state_sha256({'': value})}"}
    if isinstance(value, Enum):
        return {name: f"<{_class(value)}.{value.name}: {value.value!r}>"}
    return {name: repr(value)}


def _class(value: Any) -> str:
    """The name that the class of a value has in files."""
    name = type(value).__name__
    return NAMES_IN_FILES.get(name, name)


def write(path: Path, *, settings: Mapping[str, str], arrays: Arrays) -> None:
    """Write a checkpoint."""
    content = {
        **arrays,
        "version": np.array(VERSION),
        "settings": np.frombuffer(json.dumps(dict(settings)).encode(), np.uint8),
    }
    file = io.BytesIO()
    np.savez_compressed(file, sha256=np.array(state_sha256(content)), **content)  # type: ignore[arg-type]
    write_bytes(path, file.getvalue())


def read(path: Path, *, settings: Mapping[str, str], like: Arrays) -> dict[str, np.ndarray]:
    """Arrays of the checkpoint of a run with these settings.

    ``like`` has the names, types and shapes that the arrays must have; where it has an empty array, any size will do.

    Raises
    ------
    ValueError
        The file cannot be read, is damaged, or is of another version or run; the message says what is allowed.
    """
    origin = f"checkpoint = {str(path)!r}"
    content = _load(path, origin)
    version = content.get("version", np.array("absent"))
    if version.shape or version not in (VERSION, *earlier.READABLE):
        raise ValueError(f"{origin}: version = {version}: must be {VERSION}, or one of {earlier.READABLE}")
    sha256 = str(content.pop("sha256", None))
    if sha256 != state_sha256(content):
        raise ValueError(f"{origin}: sha256 = {sha256}: must be that of the content, which is not what was written")
    del content["version"]
    theirs = json.loads(content.pop("settings", np.frombuffer(b"{}", np.uint8)).tobytes())
    if version in earlier.READABLE:
        theirs = earlier.completed(theirs, {name: text for name, text in settings.items() if _defines(name)})
    for name in (*settings, *theirs):
        mine, other = settings.get(name, "absent"), theirs.get(name, "absent")
        if mine != other:
            raise ValueError(f"{origin}: {name} = {_short(other)}: must be {_short(mine)}, as in this run")
    for name in (*like, *content):
        if name not in content or name not in like or not _fits(content[name], like[name]):
            raise ValueError(f"{origin}: array {name}: must be {_form(like, name)}, and is {_form(content, name)}")
    return content


def _defines(name: str) -> bool:
    return name == "definition" or name.startswith("definition.")


def _load(path: Path, origin: str) -> dict[str, np.ndarray]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{origin}: must be a readable file ({error.strerror})") from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception:  # numpy, zipfile and zlib have many ways to say that a file is not what it should be
        raise ValueError(f"{origin}: must be a whole checkpoint file") from None


def _fits(array: np.ndarray, like: np.ndarray) -> bool:
    return array.dtype == like.dtype and (array.shape == like.shape or not like.size)


def _form(arrays: Arrays, name: str) -> str:
    return f"{arrays[name].dtype}{list(arrays[name].shape)}" if name in arrays else "absent"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
