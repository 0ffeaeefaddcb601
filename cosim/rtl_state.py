"""Where the state of the tile lies inside the RTL, and how its words become the golden model's arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cosim.lockstep import State
from cosim.toolchain import ToolError
from model.config import TileConfig
from model.lanes import pack, pack_bits, unpack, unpack_signed
from model.state import Arrays

COUNTERS = ("slots", "reads", "transfer_pulses")
PROGRAMMER_COUNTERS = ("reference_pulses", "unprogrammed")
FLAGS = ("hidden_saturated", "pulses_clamped")


@dataclass(frozen=True)
class StateItem:
    """A register, or a memory of ``rows`` words, inside the RTL; ``path`` leads there from the top module.

    port: the output that it drives, if it does. wire: one of the tile that it is on. Simulators make them one variable.
    """

    name: str
    path: tuple[str, ...]
    width: int
    rows: int = 1
    port: str = ""
    wire: str = ""


def state_items(config: TileConfig) -> list[StateItem]:
    """All that a final state is made of."""
    lanes, depth = config.lanes, max(2, config.depth)
    parity = lanes  # bits above the lanes
    point, buffer = ("transfer", "symmetric_point"), ("transfer", "hidden_buffer")
    reference = config.reference_format.width * lanes + parity
    items = [
        StateItem("q", (*point, "memory_q", "words"), reference, depth),
        StateItem("qref", (*point, "memory_q_ref", "words"), reference, depth),
        StateItem("hidden", (*buffer, "memory_hidden", "words"), config.hidden_bits * lanes + parity, depth),
        StateItem("flipped", ("chopper", "flipped"), config.columns),
        StateItem("sweep", ("chopper", "sweep"), (config.sweeps - 1).bit_length()),
        StateItem("chopper_source", ("chopper", "source", "state"), 32),
    ]
    if config.row_chopper:
        items.append(StateItem("row_flipped", ("chopper", "row_flipped"), config.rows))
    banks = (
        ("row_sources", ("update", "rows"), config.row_bank),
        ("column_sources", ("update", "columns"), config.column_bank),
        ("dither_sources", (*buffer, "dither"), config.dither_bank),
        ("row_chopper_sources", ("chopper", "rows"), config.row_chopper_bank),
    )
    for name, path, bank in banks:
        items += [StateItem(name, (*path, f"source_{k}", "state"), 32) for k in range(len(bank.sources))]
    return items


def told_items(config: TileConfig) -> list[StateItem]:
    """Registers that ports tell, or that follow from others: with `state_items` all that an idle tile can be set to."""
    items = [
        StateItem("chopper", ("chopper", "signs"), config.columns, port="status__chopper"),
        StateItem("column", ("chopper", "column"), config.column_bits, port="read__column", wire="column"),
        StateItem("base", ("transfer", "base"), config.address_bits),
        *(StateItem(name, ("counters", name), config.counter_bits, port=f"status__{name}") for name in COUNTERS),
        *(StateItem(name, ("transfer", name), 1, port=f"status__{name}") for name in FLAGS),
    ]
    if config.columns > 1:
        items.append(StateItem("here", ("chopper", "here"), config.columns))
        items.append(StateItem("end_of_sweep", ("chopper", "end_of_sweep"), 1))
    if config.programmer:
        for name, width in (*((name, config.counter_bits) for name in PROGRAMMER_COUNTERS), ("gave_up", 1)):
            items.append(StateItem(name, ("counters", name), width, port=f"status__{name}"))
    if config.row_chopper:
        items.append(StateItem("row_chopper", ("chopper", "row_signs"), config.rows, port="status__row_chopper"))
    return items


def all_items(config: TileConfig) -> list[StateItem]:
    """What is compared, then what ports tell."""
    return state_items(config) + told_items(config)


def item_rows(config: TileConfig, arrays: Arrays) -> list[list[int]]:
    """The rows of every item of `all_items` for the state ``arrays`` of a golden periphery."""
    lanes = config.lanes
    widths = {"q": config.reference_format.width, "qref": config.reference_format.width, "hidden": config.hidden_bits}
    taken: Counter[str] = Counter()
    result = []
    for item in all_items(config):
        if item.name == "base":
            rows = [int(arrays["column"]) * config.row_beats]
        elif item.name == "here":
            rows = [1 << int(arrays["column"])]
        elif item.name == "end_of_sweep":
            rows = [int(arrays["column"] == config.columns - 1)]
        elif item.name in widths:
            words = np.zeros((config.columns, config.row_beats * lanes), np.int64)
            words[:, : config.rows] = arrays[item.name]
            rows = [_with_parity(beat, widths[item.name]) for beat in words.reshape(-1, lanes).tolist()]
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


def _with_parity(beat: list[int], width: int) -> int:
    """The word of a beat, above it for every lane the bit with which its number of ones is odd."""
    ones = [(lane & ((1 << width) - 1)).bit_count() for lane in beat]
    return pack(beat, width) | pack([1 - count % 2 for count in ones], 1) << (width * len(beat))


def state_names(config: TileConfig) -> list[str]:
    """Names of the arrays of `state_items`."""
    return list(dict.fromkeys(item.name for item in state_items(config)))


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
        elif name in ("flipped", "row_flipped"):
            lines = config.columns if name == "flipped" else config.rows
            state[name] = np.array(unpack(rows[0], 1, lines), np.int64)
        elif name == "sweep":
            state[name] = np.array(rows[0], np.int64)
        else:
            state[name] = np.array(rows, np.int64)
    if not config.dither_bits:
        state["dither_sources"] = np.zeros(0, np.int64)
    return state


def with_ports(
    config: TileConfig, inside: State, port: Callable[[str], int], signs: Callable[[str, int], np.ndarray]
) -> State:
    """The state found inside, with what the ports tell: all arrays of `model.periphery.Periphery`.

    port: value of an output. signs: choppers, +1 or -1, that a port of so many lines tells.
    """
    hidden = [*state_names(config), "dither_sources"]
    state = {name: inside[name] for name in hidden}
    state["chopper"] = signs("status__chopper", config.columns)
    if config.row_chopper:
        state["row_chopper"] = signs("status__row_chopper", config.rows)
    state["column"] = np.array(port("read__column"), np.int64)
    registers = (*COUNTERS, *FLAGS, *((*PROGRAMMER_COUNTERS, "gave_up") if config.programmer else ()))
    return state | {name: np.array(port(f"status__{name}"), np.int64) for name in registers}
