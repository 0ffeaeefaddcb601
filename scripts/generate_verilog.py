#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the Verilog of one configuration with its TOML and a JSON description of ports, formats and timing."""

from symtrack.hdl.output.memory import BEHAVIOURAL, BODIES
from symtrack.hdl.output.package import package
from symtrack.model.spec.config import TileConfig
from symtrack.scripts.common import Parser, config_argument, output_folder, run, write_all

RESETS = ("synchronous", "asynchronous")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = Parser(__doc__ or "")
    config_argument(parser)
    text = "folder for the files, made if it does not exist"
    parser.add_argument("--out", required=True, type=output_folder(), help=text)
    parser.add_argument(
        "--reset",
        choices=RESETS,
        default=RESETS[0],
        help="how registers take it: with the clock (%(default)s, the default), or as soon as it comes",
    )
    text = "registers of an idle path keep their words, so that a tool can gate their clock; outputs are the same"
    parser.add_argument("--clock-enables", action="store_true", help=text)
    parser.add_argument(
        "--memory",
        choices=BODIES,
        default=BEHAVIOURAL,
        help="body of the memories: an array in the same file (%(default)s, the default), block RAMs of an ECP5, or a "
        "template for macros of a memory compiler with ports for a self-test, in files of their own",
    )
    options = parser.parse_args(arguments)
    with parser.checks():
        config = TileConfig.load(options.config)
    files = package(
        config,
        asynchronous_reset=options.reset == RESETS[1],
        clock_enables=options.clock_enables,
        memory=options.memory,
    )
    parser.distinct(options, out=[options.out / name for name in files])
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        write_all({options.out / name: text.encode() for name, text in files.items()})
    except OSError as error:
        parser.error(f"argument --out: {str(options.out)!r}: must be a writable folder ({error.strerror})")
    for name, text in files.items():
        print(f"{options.out / name}  {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    run(main)
