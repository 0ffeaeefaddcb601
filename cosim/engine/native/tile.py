# SPDX-License-Identifier: Apache-2.0
"""One tile of the native engine: drives the shared library in single cycles or in whole operations."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from symtrack.cosim.engine.native.build import QUADRANTS, WORD, Layout, length
from symtrack.cosim.engine.state import item_rows
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.hdl.output.state_map import StateItem, all_items
from symtrack.model.spec.config import TileConfig, UsedLines
from symtrack.model.spec.settings import Op
from symtrack.model.state import Arrays
from symtrack.model.tile.packing import Words

ENDED = "the netlist ended the simulation ($finish or $stop)"

_ADDRESS, _LONG = ctypes.c_void_p, ctypes.c_long
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "new": (_ADDRESS, [ctypes.c_int]),
    "delete": (None, [_ADDRESS]),
    "cycle": (ctypes.c_bool, [_ADDRESS] * 3),
    "operation": (_LONG, [*[_ADDRESS] * 3, *[_LONG] * 5, *[_ADDRESS] * 7, _LONG]),
    "state": (ctypes.c_bool, [_ADDRESS, ctypes.c_int, _ADDRESS]),
    "set_state": (ctypes.c_bool, [_ADDRESS, ctypes.c_int, _ADDRESS]),
}


class NativeTile:
    """The library's tile, in rows of words; its functions are those of ``loop.h``.

    ``start``: of a library with a random start, the seed of what registers and memories hold before the first reset; 0
    for zeros.
    """

    def __init__(self, library: Path, config: TileConfig, *, start: int = 0) -> None:
        self.config = config
        self.layout = Layout.of(config)
        self.inputs = np.zeros(length(self.layout.inputs), np.uint64)
        self.outputs = np.zeros(length(self.layout.outputs), np.uint64)
        try:
            self._library = ctypes.CDLL(str(library))
        except OSError as error:
            raise ToolError(f"{library.parent}: must hold a whole build, remove it to build again ({error})") from None
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._library, f"symtrack_{name}")
            function.restype, function.argtypes = result, arguments
        self._handle = self._library.symtrack_new(start)
        self._cycle = self._library.symtrack_cycle
        self._operation = self._library.symtrack_operation
        # Beats of the operation in work, into the tile and out of it; of fewer lines than all, the first of them.
        self._vectors = np.zeros((config.column_beats + config.row_beats, self.layout.payload("vectors")[1]), np.uint64)
        self._codes = np.zeros((config.row_beats, self.layout.payload("codes")[1]), np.uint64)
        self.seeds = np.array(config.seeds, np.uint64)
        self.pulses = np.zeros((QUADRANTS * config.bl_max, self.layout.payload("pulses")[1]), np.uint64)
        self._writes = np.zeros((config.row_beats, self.layout.payload("writes")[1]), np.uint64)
        # The longest of frequent operations without waits is a full update; clearing and seeds can be longer.
        start = max(config.clear_cycles, config.seed_cycles)
        most = max(config.update_cycles(len(self.pulses)), config.transfer_cycles, start) + 1
        self._record = np.zeros((most, len(self.outputs)), np.uint64)
        self.use(config.used())
        self._beats = np.zeros(2, np.int64)  # of pulses and of writes
        # Addresses, once: looking one up costs as much as a short operation.
        self._row = (self._handle, _address(self.inputs), _address(self.outputs))
        into = self._vectors, self._codes, self.seeds
        self._buffers = tuple(map(_address, (*into, self.pulses, self._writes, self._beats)))
        self._recorded = (_address(self._record), most)
        self._unrecorded = (None, most)

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self._library.symtrack_delete(self._handle)

    def use(self, used: UsedLines) -> None:
        """Lines of the next operations."""
        self.used = used
        self.vectors = self._vectors[: used.column_beats + used.row_beats]
        self.codes, self.writes = self._codes[: used.row_beats], self._writes[: used.row_beats]
        self._rooms = len(self.pulses), len(self.writes)
        self.set("settings__used_rows", used.rows)
        self.set("settings__used_columns", used.columns)

    def write_coverage(self, file: Path) -> None:
        """Leave what was covered so far in a file of Verilator's format; of a library that counts it."""
        self._library.symtrack_coverage(ctypes.c_void_p(self._handle), str(file).encode())

    def set(self, name: str, value: int) -> None:
        """Value of an input port for the cycles to come."""
        first, count = self.layout.inputs[name]
        if count == 1:
            self.inputs[first] = value
            return
        for k in range(count):
            self.inputs[first + k] = value >> (WORD * k) & ((1 << WORD) - 1)

    def get(self, name: str) -> int:
        """Value of an output port in the last cycle."""
        first, count = self.layout.outputs[name]
        return int.from_bytes(self.outputs[first : first + count].tobytes(), "little")

    def cycle(self) -> None:
        """Play one cycle with the inputs that are set."""
        if not self._cycle(*self._row):
            raise ToolError(ENDED)

    def operation(self, op: Op | None, bl: int, *, record: bool, seed: bool = False) -> tuple[int, Words]:
        """Play one operation with the beats in ``vectors`` or ``codes`` to its first idle cycle; for None only wait.

        With ``seed`` the beats in ``seeds`` are loaded meanwhile, and the idle cycle is one in which they are in.
        Returns the number of cycles, and the rows of outputs if they are recorded; beats are in ``pulses`` or
        ``writes`` and their numbers in ``slot_count`` and ``write_count``. The number is negative if the operation
        was given up: no idle cycle after the longest time it can take, or more beats than it can have.
        """
        if op is not None:
            self.set("command__op", op)
            self.set("command__bl", bl)
        vectors, codes = (len(self.vectors) if op == Op.UPDATE else 0), (len(self.codes) if op == Op.TRANSFER else 0)
        seeds = len(self.seeds) if seed else 0
        to = self._recorded if record else self._unrecorded
        self._beats[:] = self._rooms
        cycles: int = self._operation(*self._row, op is not None, False, vectors, codes, seeds, *self._buffers, *to)
        if not cycles:
            raise ToolError(ENDED)
        return cycles, self._record[: abs(cycles) if record else 0]

    def calibration(self, pulses: int, codes: Words, *, record: bool) -> tuple[int, Words, Words, Words]:
        """Play a calibration whose settings are set, with all its beats of codes.

        Returns the number of cycles as `operation` does, the rows of outputs, and the beats of pulses and of writes.
        """
        used, beats = self.used, len(codes)
        most = used.calibration_cycles(pulses, beats // (used.row_beats * used.columns)) + 1
        slots = np.zeros((pulses, self.pulses.shape[1]), np.uint64)
        writes = np.zeros((beats, self.writes.shape[1]), np.uint64)
        rows = np.zeros((most if record else 0, len(self.outputs)), np.uint64)
        self.set("command__op", Op.CALIBRATE)
        self._beats[:] = pulses, beats
        buffers = tuple(map(_address, (self.vectors, codes, self.seeds, slots, writes, self._beats)))
        to = _address(rows) if record else None
        cycles: int = self._operation(*self._row, True, False, 0, beats, 0, *buffers, to, most)
        if not cycles:
            raise ToolError(ENDED)
        return cycles, rows[: abs(cycles)], slots[: self.slot_count], writes[: self.write_count]

    def round(self, column: int, *, first: bool, record: bool) -> tuple[int, Words, bool]:
        """Play a round of a programming, the ``first`` with its command, with the beats in ``codes``.

        Returns what `operation` does for the cycles of the round, and whether it was the last.
        """
        if first:
            self.set("command__op", Op.PROGRAM)
            self.set("command__column", column)
        self._beats[:] = self._rooms
        to = self._recorded if record else self._unrecorded
        cycles: int = self._operation(*self._row, first, True, 0, len(self.codes), 0, *self._buffers, *to)
        if not cycles:
            raise ToolError(ENDED)
        return cycles, self._record[: abs(cycles) if record else 0], not self.get("status__busy")

    @property
    def slot_count(self) -> int:
        """Beats of pulses in the last operation."""
        return int(self._beats[0])

    @property
    def write_count(self) -> int:
        """Beats of writes in the last operation."""
        return int(self._beats[1])

    def state_words(self, index: int, item: StateItem) -> list[int] | None:
        """Rows of a state item as integers, None if the netlist hides it."""
        count = -(-item.width // WORD)
        rows = np.zeros((item.rows, count), np.uint64)
        if not self._library.symtrack_state(self._handle, index, _address(rows)):
            return None
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    def set_state(self, arrays: Arrays) -> None:
        """Set the idle tile to the state of a golden periphery.

        Raises
        ------
        ToolError
            The netlist hides a register or memory.
        """
        for index, (item, rows) in enumerate(zip(all_items(self.config), item_rows(self.config, arrays), strict=True)):
            count = -(-item.width // WORD)
            split = [[row >> (WORD * k) & ((1 << WORD) - 1) for k in range(count)] for row in rows]
            words = np.array(split, np.uint64)  # must live as long as the call
            if not self._library.symtrack_set_state(self._handle, index, _address(words)):
                raise ToolError(f"{item.name}: must be at {'.'.join(item.path)} in the netlist, to set its state")

    def flip(self, name: str, row: int, bit: int) -> None:
        """Flip one bit of a row of the state item of a name, while the tile is idle.

        Raises
        ------
        ToolError
            The netlist hides it.
        """
        index, item = next((k, item) for k, item in enumerate(all_items(self.config)) if item.name == name)
        count = -(-item.width // WORD)
        words = np.zeros((item.rows, count), np.uint64)
        seen = self._library.symtrack_state(self._handle, index, _address(words))
        words[row, bit // WORD] ^= np.uint64(1) << np.uint64(bit % WORD)
        if not (seen and self._library.symtrack_set_state(self._handle, index, _address(words))):
            raise ToolError(f"{item.name}: must be at {'.'.join(item.path)} in the netlist, to set its state")


def _address(array: np.ndarray) -> int:
    address: int = array.ctypes.data
    return address
