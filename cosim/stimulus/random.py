# SPDX-License-Identifier: Apache-2.0
"""Random stimulus for lock-step: operations, settings, vectors and ADC codes at random, with waits and resets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import replace
from random import Random
from typing import Any

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Ports
from symtrack.cosim.engine.streams import SINKS, SOURCES, Streams
from symtrack.model.spec.config import BEAT_LATENCY, TileConfig, UsedLines
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.spec.settings import COUNT_BITS, ROUND_BITS, Op, Scope, Settings, Target, setting_specs
from symtrack.model.spec.status import FLAGS

STALL_PROBABILITIES = (0.0, 0.0, 0.1, 0.5, 0.9)
RESET_PROBABILITY = 0.25  # of an operation of some stretches, to be cut off by a reset
RESEEDED, SEEDED, ZERO = 0.5, 0.1, 0.1  # probability of seeds after a reset, before an operation, and of one that is 0
LASTING = ("calibrate", "program")  # operations that can last longer than anyone waits,
LONGEST = 1500  # which is so many cycles, or two sweeps of reads if they take longer: then a reset cuts them off
STRETCH = 2048  # cycles
ALL_LINES = 0, 0  # settings used_rows and used_columns
RESIZED = 0.3  # probability of another size before an operation
OPERATIONS = ("update", "transfer", "calibrate", "program", "pause")
OFTEN, SELDOM, SHORT = (10, 20, 1, 3, 1), (2, 4, 8, 16, 1), (10, 20, 0, 0, 1)  # their weights
# What the stretches are for: operations that are seldom else, and codes at one end, where Q comes to stand. In half of
# the first eight there are resets, in all of these those that cut off what lasts; then there is none for eight, so that
# counts, flips and saturation build up.
KINDS = ("", "seldom", "", "high", "seldom", "", "", "low", *4 * ("short",), "high", "short", "low", "short")
RESETS = 8


def random(bench: Bench, *, cycles: int, seed: int) -> dict[str, int]:
    """Random stimulus for ``cycles`` cycles after the first clearing; counts how often operations finished or were
    reset.
    """
    return bench.run(random_program(bench, cycles, Random(seed)))


def random_program(bench: Bench, cycles: int, rng: Random) -> Generator[Ports, Ports, dict[str, int]]:
    """The program behind `random`: operations one after the other, or queued behind each other, until the cycles are
    over.
    """
    config = bench.config
    probability = dict.fromkeys((*SOURCES, *SINKS), 0.0)
    streams = Streams(config, bench.widths, stall=lambda name: rng.random() < probability[name], noise=rng)
    done: Counter[str] = Counter()
    prepaid = 0  # beats of codes that are queued already
    words = ALL_LINES  # of the operations that are queued from now on
    used = config.used()  # by the last operation that was taken
    left = cycles + config.clear_cycles
    end, first = left, rng.randrange(len(KINDS))
    longest = max(LONGEST, 2 * config.columns * (config.row_beats + BEAT_LATENCY + 1))

    def at() -> int:
        return (first + (end - left) // STRETCH) % len(KINDS)

    def kind() -> str:
        return KINDS[at()]

    def step(*, reset: bool = False) -> Generator[Ports, Ports, None]:
        nonlocal left, prepaid, used
        left -= 1
        if rng.random() < 0.1:
            streams.settings = random_settings(config, rng, words)
        waits = bool(streams.outgoing["command"])
        outputs = yield from streams.cycle(reset=reset)
        if waits and not streams.outgoing["command"]:
            used = config.used(*words)
            done["on a part"] += used != config.used()
            done["next column not in use"] += outputs["read__column"] >= used.columns
        for _ in streams.incoming["read"]:
            missing = max(0, used.row_beats - prepaid)
            prepaid -= used.row_beats - missing
            streams.send_codes(random_codes(missing * config.lanes, config, rng, kind()))
        streams.incoming["read"].clear()
        if streams.incoming["writes"]:
            done["latched beats"] += sum(beat["latch"] != 0 for beat in streams.incoming["writes"])
            streams.incoming["writes"].clear()
        if left % 1024 == 0:
            bench.progress(max(0, cycles - left))
        done["refused seeds"] += outputs["status__seed_refused"]
        for flag in (spec.name for spec in FLAGS):
            done[flag] |= outputs[f"status__{flag}"]

    streams.send_seeds(config.seeds)
    yield from step()
    before = "clear"  # what the tile may still be busy with when a command waits
    while left > 0:
        for name in probability:
            probability[name] = rng.choice(STALL_PROBABILITIES)
        op = rng.choices(OPERATIONS, SELDOM if kind() == "seldom" else OFTEN if at() < RESETS else SHORT)[0]
        if rng.random() < SEEDED:
            streams.send_seeds(random_seeds(config, rng))
        if rng.random() < RESIZED:
            words = random_sizes(config, rng)
        streams.settings = replace(streams.settings, used_rows=words[0], used_columns=words[1])
        prepaid += _queue(op, config.used(*words), config, streams, rng, kind())
        cut = rng.random() < RESET_PROBABILITY and at() < RESETS and at() % 2 == 0
        # A reset at a uniformly random moment would mostly hit the longest phase; powers of two reach all.
        lasts = op in LASTING or before in LASTING
        patience = rng.randrange(1 << rng.randrange(1, 9)) if cut else longest if lasts else -1
        # Counted while the operation runs, sometimes while its command waits, and always where it could wait for long.
        anywhere = rng.random() < 0.2 or before in LASTING
        hurried = op != "pause" and not cut and rng.random() < 0.3  # the next command comes while this one is worked on
        started = taken = False
        while left > 0:
            yield from step()
            busy = bool(streams.outputs["status__busy"])
            running = busy and taken
            started = started or running
            if patience == 0:
                done[f"reset in {op if running and op != 'pause' else before}" if busy else "reset in idle"] += 1
                streams.clear()
                for _ in range(rng.randint(1, 3)):
                    yield from step(reset=True)
                streams.clear()
                if rng.random() < RESEEDED:
                    streams.send_seeds(config.seeds)
                prepaid, before = 0, "clear"
                break
            if running or anywhere:
                patience -= 1
            # What has nothing to do leaves the tile idle in the cycle after its command is taken.
            over = not busy and taken and not any(streams.outgoing.values())
            if (started and hurried) or (over and (started or op not in ("update", "transfer"))):
                done[op] += 1
                before = op if busy else "clear"
                break
            taken = not streams.outgoing["command"]
    return dict(done)


def _queue(op: str, used: UsedLines, config: TileConfig, streams: Streams, rng: Random, kind: str) -> int:
    """Queue one operation with its data in the streams; returns the number of beats of codes among the data."""
    # Mostly short trains: every operation is worth more than every slot of it.
    lengths = (rng.randint(0, min(3, config.bl_max)), rng.getrandbits(config.bl_bits), config.bl_max)
    bl = rng.choices(lengths, (8, 1, 1))[0]
    if op == "update":
        streams.outgoing["command"].append({"op": int(Op.UPDATE), "bl": bl})
        for size in (used.columns, used.rows):
            streams.send_vectors(*random_vector(size, config, rng))
    elif op == "transfer":
        streams.outgoing["command"].append({"op": int(Op.TRANSFER), "bl": bl})
        if rng.random() < 0.5:
            streams.send_codes(random_codes(used.rows, config, rng, kind))
            return used.row_beats
    elif op == "calibrate":
        streams.outgoing["command"].append({"op": int(Op.CALIBRATE), "bl": bl})
    elif op == "program":
        column = rng.getrandbits(config.column_bits)
        streams.outgoing["command"].append({"op": int(Op.PROGRAM), "bl": bl, "column": column})
    return 0


def random_seeds(config: TileConfig, rng: Random) -> list[int]:
    """Random states, some of them zero, for some sources or for all."""
    count = rng.choice((1, rng.randint(1, len(config.sources)), len(config.sources)))
    return [0 if rng.random() < ZERO else rng.getrandbits(DEGREE) for _ in range(count)]


def random_vector(size: int, config: TileConfig, rng: Random) -> tuple[list[int], list[int]]:
    """Magnitudes and signs: dense or sparse, small, large or extreme, of one sign or mixed."""
    high = config.magnitude_format.high
    density = rng.choice((0.0, 0.1, 1.0, 1.0))
    top = rng.choice((1, high // 8 + 1, high))
    negative = rng.choice((0.0, 0.5, 0.5, 1.0))
    magnitudes = [rng.choice((rng.randint(0, top), top)) if rng.random() < density else 0 for _ in range(size)]
    return magnitudes, [int(rng.random() < negative) for _ in range(size)]


def random_sizes(config: TileConfig, rng: Random) -> tuple[int, int]:
    """Random settings used_rows and used_columns; those without a meaning are legal on the port: they are all lines."""
    lines = ((config.rows, config.row_count_bits), (config.columns, config.column_count_bits))
    rows, columns = (rng.choice((0, 1, rng.randint(1, most), rng.getrandbits(bits))) for most, bits in lines)
    return rows, columns


def random_codes(size: int, config: TileConfig, rng: Random, kind: str) -> list[int]:
    """Random ADC codes: noise, constants or the ends of the range; in some stretches one end of the range only."""
    form = config.code_format
    if kind in ("low", "high"):
        return [getattr(form, kind)] * size
    shape = rng.randrange(4)
    if shape == 0:
        return [rng.choice((form.low, form.high)) for _ in range(size)]
    if shape == 1:
        return [rng.randint(form.low, form.high)] * size
    spread = max(1, form.high >> rng.randrange(form.width))
    return [max(form.low, rng.randint(-spread, spread)) for _ in range(size)]


def random_settings(config: TileConfig, rng: Random, used: tuple[int, int] = ALL_LINES) -> Settings:
    """Random settings; those without a distribution of their own are any word of their width.

    used: used_rows and used_columns, by which what is queued goes.
    """
    gain = rng.choice((0, 1, rng.getrandbits(config.gain_bits), (1 << config.gain_bits) - 1))
    own: dict[str, Callable[[], int]] = {
        "target": lambda: rng.choice(list(Target)),
        # Codes without a meaning are legal on the port: they act as off and as zero.
        "chopper": lambda: rng.choice((0, 1, 1, 1, 2, 2, 3)),
        "scope": lambda: rng.choice((Scope.COLUMN, Scope.COLUMN, Scope.TILE)),
        "row_chopper": lambda: rng.choice((0, 1, 1, 2, 3)),
        "reference": lambda: rng.choice((0, 1, 1, 2, 2, 3)),
        "filter": lambda: rng.random() < 0.8,
        "latch": lambda: rng.random() < 0.1,
        "direct": lambda: rng.random() < 0.3,
        "gain": lambda: gain,
        "forget": lambda: rng.random() < 0.5,
        "accumulate": lambda: rng.random() < 0.8,
        "calibration_pulses": lambda: rng.choice((0, 1, rng.randrange(40))) | _seldom(rng, 6, COUNT_BITS),
        "calibration_sweeps": lambda: (
            (rng.choice((0, 0, 1, 1, 2)) if config.columns < 20 else int(rng.random() < 0.1))
            | _seldom(rng, 2, COUNT_BITS)
        ),
        "calibration_random": lambda: rng.random() < 0.5,
        "tolerance": lambda: (
            rng.getrandbits(config.reference_format.width) >> rng.randrange(config.reference_format.width + 1)
        ),
        "rounds": lambda: rng.choice((0, 1, 2, 3, 7)) | _seldom(rng, 3, ROUND_BITS),
        "used_rows": lambda: used[0],
        "used_columns": lambda: used[1],
    }
    values: dict[str, Any] = {}
    for spec in setting_specs(config):
        word = own[spec.name]() if spec.name in own else rng.getrandbits(spec.width)
        values[spec.name] = bool(word) if spec.kind is bool else word
    return Settings(**values)


def _seldom(rng: Random, first: int, bits: int) -> int:
    """Seldom one of the upper bits of a count, which makes an operation last longer than anyone waits."""
    return 1 << rng.randrange(first, bits) if rng.random() < 0.05 else 0
