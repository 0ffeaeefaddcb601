# SPDX-License-Identifier: Apache-2.0
"""Converts the words of the RTL's registers and memories into the golden model's state arrays, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from symtrack.cosim.engine.lockstep import State
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.hdl.output.state_map import (
    StateItem,
    all_items,
    state_items,
    state_names,
)
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.status import counters, flags
from symtrack.model.state import Arrays
from symtrack.model.tile.packing import WORD, pack, pack_bits, unpack, unpack_words


def item_rows(config: TileConfig, arrays: Arrays) -> list[list[int]]:
    """The rows of every item of `all_items` for the state ``arrays`` of a golden periphery."""
    lanes, widths = config.lanes, _word_widths(config)
    taken: Counter[str] = Counter()
    result = []
    for item in all_items(config):
        if item.name == "base":
            rows = [int(arrays["column"]) * config.row_beats]
        elif item.name == "here":
            rows = [1 << int(arrays["column"])]
        elif item.name in widths:
            words = np.zeros((config.columns, config.row_beats * lanes), np.int64)
            words[:, : config.rows] = arrays[item.name] >> _left_out(config, item.name)
            kept = _with_parity if config.parity else pack
            rows = [kept(beat, widths[item.name]) for beat in words.reshape(-1, lanes).tolist()]
            rows += [0] * (item.rows - len(rows))
        elif item.name in ("flipped", "row_flipped"):
            rows = [pack(arrays[item.name].tolist(), 1)]
        elif item.name in ("chopper", "row_chopper"):
            rows = [pack_bits(arrays[item.name] < 0)]
        else:
            rows = [int(arrays[item.name].reshape(-1)[taken[item.name]])]
            taken[item.name] += 1
        result.append(rows)
    return result


def _word_widths(config: TileConfig) -> dict[str, int]:
    """Bits of a word in each memory, without its parity."""
    return {
        "q": config.reference_format.width,
        "qref": config.latched_bits,
        "hidden": config.hidden_bits,
        "residual": config.difference_format.width,
    }


def _left_out(config: TileConfig, name: str) -> int:
    """The number of lowest bits that are always 0, and that a memory does not have."""
    return config.latch_shift if name == "qref" else 0


def _with_parity(beat: list[int], width: int) -> int:
    """The word of a beat, above it for every lane the bit with which its number of ones is odd."""
    ones = [(lane & ((1 << width) - 1)).bit_count() for lane in beat]
    return pack(beat, width) | pack([1 - count % 2 for count in ones], 1) << (width * len(beat))


def hidden_states(config: TileConfig, state: State, *, own: bool) -> list[str]:
    """Names of the arrays that could not be read.

    Raises
    ------
    ToolError
        There are some although the netlist is our ``own``: the simulator names things differently than expected.
    """
    missing = [name for name in state_names(config) if name not in state]
    if missing and own:
        raise ToolError(f"the simulator does not show the state of the tile: {', '.join(missing)}")
    return missing


def read_state(config: TileConfig, fetch: Callable[[int, StateItem], Sequence[int] | None]) -> State:
    """State arrays under the golden names; ``fetch`` gives the rows of an item, or None if this netlist hides it.

    An array appears only if all of it could be read.
    """
    found: dict[str, list[Sequence[int] | None]] = {}
    for index, item in enumerate(state_items(config)):
        found.setdefault(item.name, []).append(fetch(index, item))
    memories = _word_widths(config)
    state: State = {}
    for name, parts in found.items():
        rows = [row for part in parts if part is not None for row in part]
        if None in parts:
            continue
        if name in memories:
            size = -(-config.lanes * memories[name] // WORD) * WORD // 8
            mask = (1 << 8 * size) - 1  # parity lies above
            octets = b"".join((row & mask).to_bytes(size, "little") for row in rows[: config.depth])
            words = np.frombuffer(octets, "<u8").reshape(config.depth, -1)
            lanes = unpack_words(words, memories[name], config.lanes)
            state[name] = lanes.reshape(config.columns, -1)[:, : config.rows] << _left_out(config, name)
        elif name in ("flipped", "row_flipped"):
            lines = config.columns if name == "flipped" else config.rows
            state[name] = np.array(unpack(rows[0], 1, lines), np.int64)
        elif name == "sweep":
            state[name] = np.array(rows[0], np.int64)
        else:
            state[name] = np.array(rows, np.int64)
    return state | {name: np.zeros(0, np.int64) for name in _without_sources(config)}


def _without_sources(config: TileConfig) -> list[str]:
    """The arrays of random sources that a golden periphery has and that are empty, as the tile has none of these."""
    rows = ["row_chopper_sources"] if config.row_chopper else []
    names = ["dither_sources", "chopper_source", *rows]
    return [name for name in names if name not in state_names(config)]


def with_ports(
    config: TileConfig, inside: State, port: Callable[[str], int], signs: Callable[[str, int], np.ndarray]
) -> State:
    """The state found inside, with what the ports tell: all arrays of `model.tile.operations.Periphery`.

    port: value of an output. signs: choppers, +1 or -1, that a port of so many lines tells.
    """
    hidden = [*state_names(config), *_without_sources(config)]
    state = {name: inside[name] for name in hidden}
    state["chopper"] = signs("status__chopper", config.columns)
    if config.row_chopper:
        state["row_chopper"] = signs("status__row_chopper", config.rows)
    state["column"] = np.array(port("read__column"), np.int64)
    registers = (*counters(config), *flags(config))
    return state | {name: np.array(port(f"status__{name}"), np.int64) for name in registers}
