"""Where the state of the tile lies inside the RTL, and how its words become the golden model's arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.lockstep import State
from cosim.toolchain import ToolError
from model.config import TileConfig
from model.lanes import unpack, unpack_signed


@dataclass(frozen=True)
class StateItem:
    """A register, or a memory of ``rows`` words, inside the RTL; ``path`` leads there from the top module."""

    name: str
    path: tuple[str, ...]
    width: int
    rows: int = 1


def state_items(config: TileConfig) -> list[StateItem]:
    """All that a final state is made of."""
    lanes, depth = config.lanes, max(2, config.depth)
    point, buffer = ("transfer", "symmetric_point"), ("transfer", "hidden_buffer")
    reference = config.reference_format.width * lanes
    items = [
        StateItem("q", (*point, "memory_q", "words"), reference, depth),
        StateItem("qref", (*point, "memory_q_ref", "words"), reference, depth),
        StateItem("hidden", (*buffer, "memory_hidden", "words"), config.hidden_bits * lanes, depth),
        StateItem("flipped", ("chopper", "flipped"), config.columns),
        StateItem("sweep", ("chopper", "sweep"), (max(2, config.chopper_period) - 1).bit_length()),
        StateItem("chopper_source", ("chopper", "source", "state"), 32),
    ]
    for side, bank in (("row", config.row_bank), ("column", config.column_bank)):
        for index in range(len(bank.sources)):
            items.append(StateItem(f"{side}_sources", ("update", f"{side}s", f"source_{index}", "state"), 32))
    return items


STATES = ("q", "qref", "hidden", "flipped", "sweep", "chopper_source", "row_sources", "column_sources")


def hidden_states(state: State, *, own: bool) -> list[str]:
    """Names of the arrays that could not be read.

    Raises
    ------
    ToolError
        There are some although the netlist is our ``own``: the simulator names things differently than expected.
    """
    missing = [name for name in STATES if name not in state]
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
    memories = {
        "q": config.reference_format.width,
        "qref": config.reference_format.width,
        "hidden": config.hidden_bits,
    }
    state: State = {}
    for name, parts in found.items():
        rows = [row for part in parts if part is not None for row in part]
        if None in parts:
            continue
        if name in memories:
            lanes = [unpack_signed(row, memories[name], config.lanes) for row in rows[: config.depth]]
            state[name] = np.array(lanes, np.int64).reshape(config.columns, -1)[:, : config.rows]
        elif name == "flipped":
            state[name] = np.array(unpack(rows[0], 1, config.columns), np.int64)
        elif name == "sweep":
            state[name] = np.array(rows[0], np.int64)
        else:
            state[name] = np.array(rows, np.int64)
    return state
