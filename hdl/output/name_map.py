# SPDX-License-Identifier: Apache-2.0
"""Name map: where every register and memory of the tile lies in its Verilog, and which quantity it holds.

A block is a module instance of its own, named in Verilog as in `hdl`, so a path in one is a path in the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from symtrack.hdl.output.memory import MODULE as MEMORY
from symtrack.hdl.output.memory import sized
from symtrack.hdl.output.state_map import all_items
from symtrack.hdl.output.verilog import module_name, tile_ports
from symtrack.model.spec.config import TileConfig

MODULE = re.compile(r"^module \\?(\S+) ?\(.*?\);\n(.*?)^endmodule", re.DOTALL | re.MULTILINE)
INSTANCE = re.compile(r"^  \\?(\S+) +(?:#\(([^;]*?)\) )?(\w+) \($", re.MULTILINE)
PARAMETER = re.compile(r"\.(\w+)\(32'd(\d+)\)")
REGISTER = re.compile(r"^  reg +(?:\[(\d+):0\] +)?(\S+) *(?:\[(\d+):0\])?(?: *= [^;]+)?;", re.MULTILINE)
CLOCKED = re.compile(r"^\s*(\S+) *(?:\[[^]]*\] *)?<= ", re.MULTILINE)
ALIAS = re.compile(r"^  assign (\w+) = (\w+);", re.MULTILINE)


def blocks(verilog: str, top: str) -> Iterator[tuple[str, str]]:
    """Every block, by its path below the module ``top``, with the body of its module, which others may have, too.

    That of a memory has its sizes in numbers; one whose module is in another file is left out.
    """
    modules = dict(MODULE.findall(verilog))

    def below(path: str, module: str) -> Iterator[tuple[str, str]]:
        yield path, modules[module]
        for inner, given, name in INSTANCE.findall(modules[module]):
            place = f"{path}.{name}".removeprefix(".")
            if inner == MEMORY:
                if inner in modules:
                    yield place, sized(modules[inner], {key: int(value) for key, value in PARAMETER.findall(given)})
            else:
                yield from below(place, inner)

    return below("", top)


def name_map(config: TileConfig, verilog: str) -> dict[str, Any]:
    """Every register and memory of the tile, as plain data.

    Each has its ``path`` in `hdl`, its hierarchical name in ``verilog``, ``width`` and ``depth`` (1 for a register),
    the ``name`` that the golden model and the reports give the quantity, and the ``port`` that shows it; None where it
    has none.

    Parameters
    ----------
    verilog
        The text of the tile.
    """
    top = module_name(config)
    items = {".".join(item.path): item for item in all_items(config)}
    outputs = {port.name for port in tile_ports(config) if port.output}
    entries = []
    for block, body in blocks(verilog, top):
        clocked = {name.partition("[")[0] for name in CLOCKED.findall(body)}
        aliases: dict[str, list[str]] = {}
        for alias, of in ALIAS.findall(body):
            aliases.setdefault(of, []).append(alias)
        for high, written, last in REGISTER.findall(body):
            if written not in clocked:
                continue  # the output of a combinational block
            register = written.removeprefix("\\")
            # Of several names of a register the Verilog writer picks any; the others are nets that equal it.
            names = [register, *aliases.get(written, ())]
            paths = [f"{block}.{name}".removeprefix(".") for name in names]
            path = next((path for path in paths if path in items), paths[0])
            item = items.get(path)
            if item:
                register = item.path[-1]
            port = item.port if item else register if register in outputs else ""
            simple = re.fullmatch(r"[A-Za-z_][\w$]*", register)
            entries.append(
                {
                    "path": path,
                    "name": item.name if item else None,
                    "port": port or None,
                    "verilog": ".".join(filter(None, (top, block, register if simple else f"\\{register} "))),
                    "width": int(high or 0) + 1,
                    "depth": int(last or 0) + 1,
                }
            )
    return {"module": top, "fingerprint": config.fingerprint, "state": entries}
