# SPDX-License-Identifier: Apache-2.0
"""State map: names, paths and sizes of the registers and memories that hold the tile's state inside the RTL."""

from __future__ import annotations

from dataclasses import dataclass

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.status import counters, flags

WORDS = ("words", "mem")  # where a beat memory has its words
FLAG_BLOCKS = {"gave_up": "counters"}  # where flags lie that are not in the transfer path


@dataclass(frozen=True)
class StateItem:
    """A register, or a memory, of the tile's state inside the RTL.

    Attributes
    ----------
    name : the name of the state.
    path : where it lies, from the top module on.
    width, rows : bits of a word, and number of words; a register has one.
    port : the output that it drives, if it does.
    wire : the wire of the tile that it is on, if it is; simulators make both one variable.
    """

    name: str
    path: tuple[str, ...]
    width: int
    rows: int = 1
    port: str = ""
    wire: str = ""


def state_items(config: TileConfig) -> list[StateItem]:
    """The registers and memories that make up a final state."""
    lanes, depth = config.lanes, max(2, config.depth)
    parity = lanes * config.parity  # bits above the lanes
    point, buffer = ("transfer", "symmetric_point"), ("transfer", "hidden_buffer")
    reference = config.reference_format.width * lanes + parity
    tracked = [
        StateItem("q", (*point, "memory_q", *WORDS), reference, depth),
        StateItem("qref", (*point, "memory_q_ref", *WORDS), config.latched_bits * lanes + parity, depth),
    ]
    items = [
        *(tracked if config.symmetric_point else []),
        StateItem("hidden", (*buffer, "memory_hidden", *WORDS), config.hidden_bits * lanes + parity, depth),
        *([StateItem("flipped", ("chopper", "flipped"), config.columns)] if config.symmetric_point else []),
        StateItem("sweep", ("chopper", "sweep"), (config.sweeps - 1).bit_length()),
        *([StateItem("chopper_source", ("chopper", "source", "state"), 32)] if config.chopper_draws else []),
    ]
    if config.residual_memory:
        width = config.difference_format.width * lanes + parity
        items.append(StateItem("residual", ("transfer", "residual_memory", "memory_residual", *WORDS), width, depth))
    if config.row_chopper and config.symmetric_point:
        items.append(StateItem("row_flipped", ("chopper", "row_flipped"), config.rows, wire="row_flipped"))
    banks = (
        ("row_sources", ("update", "rows"), config.row_bank),
        ("column_sources", ("update", "columns"), config.column_bank),
        ("dither_sources", (*buffer, "dither"), config.dither_bank),
        ("row_chopper_sources", ("chopper", "rows"), config.row_chopper_bank),
    )
    for name, path, bank in banks:
        items += [StateItem(name, (*path, f"source_{k}", "state"), 32) for k in range(len(bank.sources))]
    return items


def memories(config: TileConfig) -> list[StateItem]:
    """The memories among the items of `state_items`."""
    return [item for item in state_items(config) if item.path[-2:] == WORDS]


def port_items(config: TileConfig) -> list[StateItem]:
    """Registers that ports show or that follow from others; with `state_items` all that an idle tile can be set to."""
    items = [
        StateItem("chopper", ("chopper", "signs"), config.columns, port="status__chopper"),
        StateItem("column", ("chopper", "column"), config.column_bits, port="read__column", wire="column"),
        StateItem("base", ("transfer", "base"), config.address_bits),
        *(
            StateItem(name, ("counters", name), config.counter_bits, port=f"status__{name}")
            for name in counters(config)
        ),
        *(
            StateItem(name, (FLAG_BLOCKS.get(name, "transfer"), name), 1, port=f"status__{name}")
            for name in flags(config)
        ),
    ]
    if config.columns > 1:
        items.append(StateItem("here", ("chopper", "here"), config.columns))
    if config.row_chopper:
        items.append(StateItem("row_chopper", ("chopper", "row_signs"), config.rows, port="status__row_chopper"))
    return items


def all_items(config: TileConfig) -> list[StateItem]:
    """The items of `state_items`, which are compared, and then those of `port_items`."""
    return state_items(config) + port_items(config)


def state_names(config: TileConfig) -> list[str]:
    """Names of the arrays of `state_items`."""
    return list(dict.fromkeys(item.name for item in state_items(config)))
