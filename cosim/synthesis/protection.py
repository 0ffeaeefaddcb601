# SPDX-License-Identifier: Apache-2.0
"""Compares codes for the tile's memories: the cost of parity, which they have, and of SECDED, which corrects one bit.

SECDED is Hamming's code with a parity of all. Its data bits have the numbers from 3 on that are no powers of two, and

    check_k = XOR of the data bits whose number has bit k,   parity = 1 ^ XOR of data and checks.

Of a word that is read, a wrong parity is one flip, of the bit whose number is the difference of its checks; a right
parity with a difference is two. Source: R. W. Hamming, Error detecting and error correcting codes, 1950.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import count, islice
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.cosim.synthesis.fpga import RESET, Design
from symtrack.cosim.synthesis.report import gates, placed
from symtrack.hdl.output.verilog import Port
from symtrack.model.spec.config import TileConfig

BLOCK_WIDTH, BLOCK_DEPTH = 36, 512  # of a DP16KD at its widest


@dataclass(frozen=True)
class Code:
    """A code for a beat of ``words`` words with ``bits`` data bits each: SECDED with ``corrects``, else parity."""

    words: int
    bits: int
    corrects: bool

    @property
    def numbers(self) -> list[int]:
        """The numbers of the data bits in Hamming's code."""
        return list(islice((number for number in count(3) if number & (number - 1)), self.bits))

    @property
    def checks(self) -> int:
        """The number of check bits per word, without its parity bit."""
        return self.numbers[-1].bit_length() if self.corrects else 0

    @property
    def kept(self) -> int:
        """The number of bits of a beat in the memory."""
        return self.words * (self.bits + self.checks + 1)

    def check(self, word: Value) -> Value:
        """The check bits of a word."""
        return Cat(
            Cat(bit for number, bit in zip(self.numbers, word, strict=True) if number >> k & 1).xor()
            for k in range(self.checks)
        )


class Encoder(wiring.Component):
    """Encoder of a beat: ``kept`` is what the memory keeps of ``data``, one cycle later."""

    def __init__(self, code: Code) -> None:
        self.code = code
        super().__init__({"data": In(code.words * code.bits), "kept": Out(code.kept)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = []
        for index in range(self.code.words):
            word = self.data.word_select(index, self.code.bits)
            checked = Cat(word, self.code.check(word))
            words.append(Cat(checked, ~checked.xor()))
        m.d.sync += self.kept.eq(Cat(words))
        return m


class Decoder(wiring.Component):
    """Decoder of a beat, one cycle later: ``data``, corrected if possible, and ``wrong``, a bit per word, if not."""

    def __init__(self, code: Code) -> None:
        self.code = code
        super().__init__({"kept": In(code.kept), "data": Out(code.words * code.bits), "wrong": Out(code.words)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        code = self.code
        for index in range(code.words):
            kept = self.kept.word_select(index, code.kept // code.words)
            word, flipped = kept[: code.bits], ~kept.xor()
            wrong: Value = flipped
            if code.corrects:
                difference = code.check(word) ^ kept[code.bits : -1]
                word = Cat(
                    bit ^ (flipped & (difference == number)) for number, bit in zip(code.numbers, word, strict=True)
                )
                wrong = ~flipped & difference.any()
            m.d.sync += [self.data.word_select(index, code.bits).eq(word), self.wrong[index].eq(wrong)]
        return m


def codes(lanes: int, bits: int) -> dict[str, Code]:
    """The codes to compare for a beat of ``lanes`` words."""
    return {
        "parity of a word": Code(lanes, bits, corrects=False),
        "SECDED of a word": Code(lanes, bits, corrects=True),
        "SECDED of a beat": Code(1, lanes * bits, corrects=True),
    }


def figures(config: TileConfig) -> dict[str, dict[str, Any]]:
    """The cost of each code in the memories of Q, Qref and H.

    Returns
    -------
    dict
        By code, ``memory_bits`` and ``block_rams`` of the memories, ``gates`` and ``luts`` of encoders and decoders,
        and ``encoder_ns`` and ``decoder_ns``, the longest time between registers in them.
    """
    beats = {2: config.reference_format.width, 1: config.hidden_format.width}  # bits of a word by number of memories
    found: dict[str, dict[str, Any]] = {}
    for memories, bits in beats.items():
        for name, code in codes(config.lanes, bits).items():
            encoder, decoder = _design(Encoder(code)), _design(Decoder(code))
            sides = placed(encoder, 1), placed(decoder, 1)
            own = {
                "memory_bits": code.kept * config.depth,
                "block_rams": -(-code.kept // BLOCK_WIDTH) * -(-config.depth // BLOCK_DEPTH),
                "gates": gates(encoder) + gates(decoder),
                "luts": sum(side.cost.luts for side in sides),
            }
            told = found.setdefault(name, dict.fromkeys((*own, "encoder_ns", "decoder_ns"), 0))
            told |= {key: told[key] + memories * value for key, value in own.items()}
            for key, side in zip(("encoder_ns", "decoder_ns"), sides, strict=True):
                told[key] = max(told[key], 1000 / side.fmax_mhz)
    return found


def _design(component: Encoder | Decoder) -> Design:
    name = (
        f"{type(component).__name__.lower()}_{'_'.join(str(int(value)) for value in asdict(component.code).values())}"
    )
    members = component.signature.members.items()
    ports = [Port(port, member.shape, member.flow is Out) for port, member in members]
    return Design(verilog.convert(component, name=name, emit_src=False), name, [RESET, *ports])
