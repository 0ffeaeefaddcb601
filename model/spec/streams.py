"""The streams of a tile: which it takes and which it offers, each with ``valid`` and ``ready``; see docs/tile.md."""

from __future__ import annotations

INTO_TILE = ("command", "vectors", "codes")
OUT_OF_TILE = ("pulses", "read", "writes")
STREAMS = (*INTO_TILE, *OUT_OF_TILE)
