# SPDX-License-Identifier: Apache-2.0
"""What laboratories call things: names of columns, units, and the two directions of pulses.

A name is split into what it names, the unit in brackets or at its end, and a direction: ``G_LTP (uS)`` is a conductance
in microsiemens after pulses upwards. Names that are not known are no error; their columns are left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UP = {"up", "ltp", "pot", "potentiation", "potentiate", "set", "increase", "increasing", "inc", "pos", "positive"}
DOWN = {"down", "ltd", "dep", "depression", "depress", "reset", "decrease", "decreasing", "dec", "neg", "negative"}
_UP_FIELD, _DOWN_FIELD = UP | {"+", "p", "u", "true"}, DOWN | {"-", "d", "false"}
PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
_BASES = {"S": "conductance", "A": "current", "Ohm": "resistance", "V": "voltage"}
_UNIT = re.compile(r"([fpnumkKMG]?)(S|A|V|Ohm)")
_NO_UNIT = {"-", "--", "#", "1", "a.u.", "a.u", "au", "arb. u.", "arb.u.", "arb. units", "norm.", "normalized", "pulse"}
VALUES = ("conductance", "resistance", "current", "weight")  # in order of preference
ROLES = ("pulse", "direction", "voltage", "cell", "up", "down", *VALUES, "read-voltage")

_NUMBERED = r"(?: ?(?:cell|device|dev|sample|channel|ch|d|c)? ?\d+)?"
_NAMES = {
    "pulse": r"x|n|no|nr|num|number|index|pulses?|pulses? ?(?:number|numbers|no|nr|num|index|idx|count|id)"
    r"|(?:number|no|nr|num) of pulses?|#",
    "direction": r"direction|dir|polarity|sign|type|mode|operation|op|pulse (?:type|direction|polarity|sign|mode)",
    "read-voltage": r"v ?(?:read|ds|d|sd)|read ?(?:voltage|v)|drain voltage",
    "voltage": r"v|voltage|amplitude|(?:pulse|write|programming|prog|gate|applied|set) ?(?:voltage|amplitude|v)"
    r"|v ?(?:pulse|write|prog|gate|g|gs|p|w|in|app|applied)",
    "cell": r"(?:cell|device|dev|sample|synapse|memristor)(?: (?:id|no|nr|number|name|index))?",
    "conductance": rf"(?:conductance|cond|g|g ?(?:ds|sd|read|channel)|channel conductance|y){_NUMBERED}",
    "resistance": rf"(?:resistance|res|r|r ?read){_NUMBERED}",
    "current": rf"(?:(?:read |drain |output )?current|i|i ?(?:ds|sd|d|read)){_NUMBERED}",
    "weight": rf"(?:weight|w){_NUMBERED}",
    "device": r"(?:cell|device|dev|sample|channel|ch|synapse|memristor|d|c) ?\d+",
}

_ASIDE = re.compile(  # words of what is no state of a cell: statistics, differences, times, leakage
    "[gri]?(?:std|stdev|stddev|sd|sem|se|err|error|errors|sigma|deviation|var|variance|uncertainty|ci|min|minimum"
    "|max|maximum|mean|average|avg|median|delta|diff|difference|change|step|noise|gate|leak|leakage)"
    "|d[gri]|i[gl]|igs|ig[db]|time|times|elapsed|timestamp|t|compliance|limit|ratio|range|initial|baseline|fit|fitted|target"
    "|standard|spread|width|temperature|temp|[\N{GREEK SMALL LETTER DELTA}\N{GREEK SMALL LETTER SIGMA}][gri]?"
)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit: ``kind`` is a role, ``factor`` what it is in siemens, amperes, ohms or volts."""

    text: str
    kind: str
    factor: float


@dataclass(frozen=True, kw_only=True)
class Name:
    """What a column is called.

    Attributes
    ----------
    role : one of ROLES, ``device`` for a cell's values of an unknown kind, or empty.
    unit : None if it has none.
    direction : 1, -1, or None; of an ``up`` or ``down`` column, and of the pulse numbers that belong to one.
    kind : of the values of an ``up`` or ``down`` column, empty if the name does not tell.
    base : the name without its unit.
    by_unit : whether the unit alone tells the role.
    """

    role: str = ""
    unit: Unit | None = None
    direction: int | None = None
    kind: str = ""
    base: str = ""
    by_unit: bool = False


def unit_of(text: str) -> Unit | None:
    """The unit that a text is, or None."""
    plain = re.sub(r"(?i)ohms?$", "Ohm", re.sub("[\N{GREEK CAPITAL LETTER OMEGA}\N{OHM SIGN}]$", "Ohm", text.strip()))
    plain = re.sub("^[\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}]", "u", plain)
    plain = re.sub(r"(?i)(siemens|mho)$", "S", plain)
    for word, prefix in {"micro": "u", "nano": "n", "pico": "p", "milli": "m", "kilo": "k", "mega": "M"}.items():
        plain = re.sub(rf"(?i)^{word}", prefix, plain)
    found = _UNIT.fullmatch(plain)
    return Unit(text=plain, kind=_BASES[found[2]], factor=PREFIXES[found[1]]) if found else None


def is_unit(text: str) -> bool:
    """Whether a field can stand in a line of units."""
    return (
        unit_of(text.strip("()[] ")) is not None or text.strip("()[] ").lower() in _NO_UNIT or text in ("s", "ms", "us")
    )


def direction_of(field: str) -> int | None:
    """1 or -1 if a field is a word for a direction, not a number; else None."""
    plain = field.strip().lower()
    return 1 if plain in _UP_FIELD else -1 if plain in _DOWN_FIELD else None


def _split(name: str) -> tuple[str, str]:
    """What a name is without the text of its unit, and that."""
    found = re.search(r"[(\[{]\s*([^)\]}]*?)\s*[)\]}]", name)
    if found:
        return name[: found.start()] + " " + name[found.end() :], found[1]
    found = re.fullmatch(r"(.+?)\s*(?:/|_|,| in |\s)\s*(\S+)", name.strip())
    if found and unit_of(found[2]):
        return found[1], found[2]
    return name, ""


def words_of(text: str) -> list[str]:
    """Lower-case words, without marks; # is a word."""
    return re.findall(r"#|[^\W_]+", text.lower())


def without_number(base: str) -> str:
    """A name with # for the number or letter of a cell at its end."""
    return re.sub(r"\d+$|(?<=\w{3} )[a-z]$|^[a-z]$", "#", base)


def directions_in(text: str) -> set[int]:
    """The directions that a text names: 1, -1, both or none."""
    return {1 for word in words_of(text) if word.rstrip("0123456789") in UP} | {
        -1 for word in words_of(text) if word.rstrip("0123456789") in DOWN
    }


def role_of(name: str) -> Name:
    """What a column's name says.

    Raises
    ------
    ValueError
        Its unit is none of what it names.
    """
    rest, text = _split(name)
    unit, words = unit_of(text), words_of(rest)
    found = directions_in(rest)
    if len(found) == 2:
        return Name(role="direction", base=rest.strip())
    if found:
        words = [word for word in words if word.rstrip("0123456789") not in UP | DOWN]
    plain = " ".join(words)
    role = next((role for role, pattern in _NAMES.items() if re.fullmatch(pattern, plain)), "")
    if role in ("pulse", "voltage") and unit and unit.kind in VALUES and unit.kind != role:
        role = ""  # such as I(V) or n (S), which are no numbers of pulses
    if unit and role in (*VALUES, "voltage", "read-voltage") and unit.kind != role.removeprefix("read-"):
        raise ValueError(f"column {name!r}: its unit {text!r} must be one of a {role}")
    base = " ".join(words_of(rest))
    if role in ("", *VALUES) and any(map(_ASIDE.fullmatch, [*words, *(words_of(text) if not unit else [])])):
        return Name(unit=unit, base=base)
    if found:
        direction = found.pop()
        if role in ("pulse", "voltage", "read-voltage"):
            return Name(role=role, unit=unit, direction=direction, base=base)
        kind = role if role in VALUES else unit.kind if unit else ""
        return Name(role={1: "up", -1: "down"}[direction], unit=unit, direction=direction, kind=kind, base=base)
    if role in ("", "device") and unit and unit.kind in VALUES:
        return Name(role=unit.kind, unit=unit, base=base, by_unit=not role)
    return Name(role=role, unit=unit, base=base)
