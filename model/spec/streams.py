# SPDX-License-Identifier: Apache-2.0
"""The streams of a tile as data: which it takes and which it offers, each with ``valid`` and ``ready``."""

from __future__ import annotations

INTO_TILE = ("command", "vectors", "codes", "seeds")
OUT_OF_TILE = ("pulses", "read", "writes")
STREAMS = (*INTO_TILE, *OUT_OF_TILE)
