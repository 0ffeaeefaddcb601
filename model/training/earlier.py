# SPDX-License-Identifier: Apache-2.0
"""What checkpoints of earlier versions leave unsaid, so that they are still read, and only if it has not changed.

Version 4 said neither how its algorithm is defined nor which semantics devices, periphery and training had. Those were
the first of each, and of the definitions the digests are kept here.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping

READABLE = (4,)
DEFINITIONS = {  # of version 4: how the SHA-256 of each begins, see `digest`
    "analog-sgd": "9191586649d67d95",
    "tt-v1": "4c6672a8729c487d",
    "tt-v2": "95ea487bb28513a1",
    "c-tt-v2": "b3b6a60dea88f6fe",
    "agad": "80686dbbdb69d038",
    "residual": "6a911147da91c60c",
    "rider": "f10182a724254a36",
    "e-rider": "6aa1279b0e64fb80",
    "e-rider-a": "819c1b13c8208469",
    "e-rider-b": "b326c0f112c8be1c",
}
_FIRST = {"semantics.devices": "1", "semantics.periphery": "1", "semantics.training": "1"}


def digest(definition: Mapping[str, str]) -> str:
    """Of the settings that define an algorithm."""
    return hashlib.sha256(json.dumps(dict(definition), sort_keys=True).encode()).hexdigest()[:16]


def completed(theirs: Mapping[str, str], definition: Mapping[str, str]) -> dict[str, str]:
    """The settings of a checkpoint of version 4 with what it left unsaid; ``definition`` is what holds now."""
    try:
        known = DEFINITIONS.get(ast.literal_eval(theirs.get("algorithm", "''")))
    except (ValueError, SyntaxError):
        known = None
    same = known == digest(definition)
    return {**theirs, **_FIRST, **(definition if same else {"definition": "that of version 4"})}
