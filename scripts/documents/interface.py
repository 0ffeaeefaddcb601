# SPDX-License-Identifier: Apache-2.0
"""The reference of the Python interface, docs/api.md, made from signatures, fields and docstrings.

Docstrings have the sections of numpydoc; what they say is taken over, and nothing is said here that the code does not.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import symtrack
from symtrack import devices, exchange, experiment, exploration, hardware, learning, study
from symtrack.model.devices.presets import family_name
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Settings, setting_specs

WIDTH = 120
SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "Examples")
CHAPTERS: dict[str, tuple[str, ...]] = {
    "Configuration": ("TileConfig", "Settings"),
    "Hardware": ("generate_verilog", "run_cosim", "synthesize"),
    "Golden twins of a tile": ("TileModel", "Periphery"),
    "Training": ("TrainingSpec", "Rates", "train", "compare_metrics"),
    "Experiments": ("Dataset", "Experiment", "Study", "explore", "Writing"),
    "Callbacks": ("Callback", "CSVLogger", "TensorBoardLogger", "ProgressBar", "EarlyStopping"),
    "Algorithms of one's own": ("CustomAlgorithm", "Chain"),
    "Devices": ("PRESETS", "load_device", "calibrate", "fit_device"),
    "Other packages": ("from_aihwkit", "to_aihwkit"),
}
INTRODUCTION = """\
# Python interface

This page is made from the docstrings by `scripts/write_docs.py`. `import symtrack` has the names of all chapters but
the last, and `__version__`; a function bears the name of the command line that does the same. What functions return is
described in the last chapter. The programs in `docs/examples`, from [01](examples/01_configuration_and_verilog.py) to
[14](examples/14_explore.py), use every name and run as they are; [experiments](experiments.md) is a tour
of what most programs need.

Shapes are in brackets: R rows, C columns. Weights are dimensionless numbers of about -1 to 1. Whatever is not allowed
raises `ValueError` or `TypeError` before any work, with the name of the argument, its value and what is allowed.
`ToolError` is `symtrack.cosim.tools.toolchain.ToolError`. Module names in the texts are those below `symtrack`.
"""


def interface_markdown() -> str:
    """The whole document."""
    parts = [INTRODUCTION]
    for title, names in CHAPTERS.items():
        parts.append(f"## {title}\n")
        parts += [_entry(f"symtrack.{name}", getattr(symtrack, name)) for name in names]
    parts.append("## Results\n")
    for module in (hardware, learning, experiment, study, exploration, devices, exchange):
        parts += [*_wrapped(f"`{module.__name__}`: {_first_paragraph(module)}"), ""]
        for name, thing in vars(module).items():
            if is_dataclass(thing) and thing.__module__ == module.__name__:
                parts.append(_entry(f"{module.__name__}.{name}", thing))
    return "\n".join(parts).rstrip() + "\n"


def _entry(name: str, thing: Any) -> str:
    if isinstance(thing, Mapping):
        rows = (f"| `{key}` | `{family_name(device)}` | {device.dw_min:g} |" for key, device in thing.items())
        return "\n".join(
            [f"### {name}\n", "Presets by name.\n", "| name | family | dw_min |", "|---|---|---|", *rows, ""]
        )
    lines = [f"### {name}\n"]
    if name.count(".") == 1 and not _described(thing):
        lines += ["```python", *_signature(name, thing), "```", ""]
    lines += _docstring(inspect.getdoc(thing) or "")
    if inspect.isclass(thing):
        lines += _fields(thing)
        lines += _members(thing)
    return "\n".join(lines)


def _signature(name: str, thing: Callable[..., Any]) -> list[str]:
    """The call, in one line or with a parameter a line."""
    signature = inspect.signature(thing)
    parameters, keyword = [], False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            parameters.append("*")
            keyword = True
        kind = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
        default = "" if parameter.default is parameter.empty else f" = {_value(parameter.default)}"
        parameters.append(f"{parameter.name}{kind}{default}")
    back = signature.return_annotation
    result = "" if inspect.isclass(thing) or back is signature.empty else f" -> {back}"
    line = f"{name}({', '.join(parameters)}){result}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{name}(", *(f"    {parameter}," for parameter in parameters), f"){result}"]


def _value(value: Any) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, tuple) and len(value) > 3:
        return f"({', '.join(map(repr, value[:2]))}, ...)"
    if callable(value):
        return "..."
    return "{}" if repr(value) == "<factory>" else repr(value)


def _docstring(text: str) -> list[str]:
    """Paragraphs and sections of a docstring as Markdown."""
    lines: list[str] = []
    pieces = re.split(rf"^({'|'.join(SECTIONS)})\n-+\n", text, flags=re.MULTILINE)
    lines += _paragraphs(pieces[0])
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if title == "Examples":
            lines += ["```python", *body.strip().splitlines(), "```", ""]
        else:
            lines += [f"**{title}**", "", *_items(body), ""]
    return lines


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("    "):
            lines += ["```", *textwrap.dedent(paragraph).splitlines(), "```", ""]
        else:
            lines += [*_wrapped(paragraph.removesuffix("::") + (":" if paragraph.endswith("::") else "")), ""]
    return lines


def _wrapped(text: str, first: str = "", other: str = "") -> list[str]:
    return textwrap.wrap(
        " ".join(text.replace("``", "`").split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _items(body: str) -> Iterator[str]:
    """A bullet for every item of a section: names, then a type where the text stands on lines of its own."""
    for item in re.split(r"\n(?=\S)", body.strip()):
        head, _, rest = item.partition("\n")
        names, _, kind = head.partition(" : ")
        texts = textwrap.dedent(rest)
        if not kind:
            text = f"`{names}`: {texts}"
        elif rest:
            text = f"`{names}` ({kind}): {texts}"
        else:
            text = f"`{names}`: {kind}"
        yield from _wrapped(text, "* ", "  ")


def _fields(thing: type[Any]) -> list[str]:
    """A table of the fields that carry their text."""
    if thing is Settings:
        rows = [
            f"| `{spec.name}` | {spec.default} | {spec.width} | {spec.text}{f', in {spec.unit}' if spec.unit else ''} |"
            for spec in setting_specs(TileConfig(row_chopper=1))
        ]
        note = "Widths of words are those of the default configuration."
        return [note, "", "| field | default | bits | meaning |", "|---|---|---|---|", *rows, ""]
    described = _described(thing)
    if not described:
        return []
    rows = []
    for spec in described:
        span = f"{spec.metadata['low']} to {spec.metadata['high']}" if "low" in spec.metadata else ""
        default = "" if spec.default is MISSING else f"{spec.default!r}"
        rows.append(f"| `{spec.name}` | {default} | {span} | {spec.metadata['text']} |")
    return ["| field | default | allowed | meaning |", "|---|---|---|---|", *rows, ""]


def _described(thing: Any) -> list[Field[Any]]:
    """Fields that carry their text, none if it is no dataclass."""
    return [spec for spec in fields(thing) if "text" in spec.metadata] if is_dataclass(thing) else []


def _members(thing: type[Any]) -> list[str]:
    """A bullet for every public method and property."""
    lines = []
    for name, member in vars(thing).items():
        if name.startswith("_") or (is_dataclass(thing) and name in thing.__dataclass_fields__):
            continue
        text = _first_paragraph(member)
        if isinstance(member, (property, cached_property)):
            lines += _wrapped(f"`{name}`: {text}", "* ", "  ")
        elif isinstance(member, classmethod) or inspect.isfunction(member):
            plain = member.__func__ if isinstance(member, classmethod) else member
            names = [one for one in inspect.signature(plain).parameters if one not in ("self", "cls")]
            lines += _wrapped(f"`{name}({', '.join(names)})`: {text}", "* ", "  ")
    return ["**Members**", "", *lines, ""] if lines else []


def _first_paragraph(thing: Any) -> str:
    text = inspect.getdoc(thing.func if isinstance(thing, cached_property) else thing) or ""
    return text.partition("\n\n")[0]
